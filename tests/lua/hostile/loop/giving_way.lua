-- killed: cpu-max
function attack() while true do core.yield() end end
