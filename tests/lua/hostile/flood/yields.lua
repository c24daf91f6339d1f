-- killed: cpu-max
function attack() while true do core.yield() coroutine.yield() end end
