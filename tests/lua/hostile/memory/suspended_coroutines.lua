-- killed: memory-max
-- policy: cpu-max 10s
function attack()
    local t = {}
    for i = 1, 1e9 do t[i] = coroutine.wrap(function() coroutine.yield(t) end) t[i]() end
end
