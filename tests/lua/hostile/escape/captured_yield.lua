-- ends
-- What comes out of a coroutine that waits for the host is for the host alone.
local seen = {}
function attack()
    local yield = coroutine.yield
    coroutine.yield = function(...) seen[#seen + 1] = select("#", ...) return yield(...) end
    local co = coroutine.create(function() core.msleep(1) return "slept" end)
    local ok, first, second = coroutine.resume(co)
    return tostring(ok) .. tostring(first)
end
