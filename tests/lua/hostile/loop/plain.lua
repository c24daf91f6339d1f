-- killed: cpu-max
function attack() while true do end end
