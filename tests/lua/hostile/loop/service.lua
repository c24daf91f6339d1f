-- killed: cpu-max | service
function attack() while true do pcall(attack) end end
