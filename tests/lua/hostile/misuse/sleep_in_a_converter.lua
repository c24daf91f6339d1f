-- ends | converter fetch
function attack() core.msleep(1) core.yield() return "x" end
