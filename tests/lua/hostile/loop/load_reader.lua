-- killed: cpu-max
function attack() return load(function() while true do end end) end
