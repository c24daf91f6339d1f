-- killed: memory-max
-- policy: cpu-max 10s
function attack()
    local f = function() end
    while true do local g = f f = function() return g end end
end
