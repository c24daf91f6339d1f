-- killed: cpu-max
function attack() xpcall(error, function() while true do end end, "x") end
