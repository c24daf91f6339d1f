-- killed: cpu-max | converter fetch
function attack() repeat until false end
