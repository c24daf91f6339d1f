-- killed: cpu-max
function attack() pcall(attack) pcall(attack) while true do pcall(attack) end end
