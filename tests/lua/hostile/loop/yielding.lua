-- killed: cpu-max
function attack() while true do coroutine.yield() end end
