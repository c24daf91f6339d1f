-- killed: cpu-max
function attack() while true do core.msleep(0) pcall(core.msleep, -1) pcall(core.sleep, 0) end end
