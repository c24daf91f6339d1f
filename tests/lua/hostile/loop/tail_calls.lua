-- killed: cpu-max
function attack() return attack() end
