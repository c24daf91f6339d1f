-- returns: through
-- policy: cpu-max 10s
-- policy: memory-max 16m
-- Half of what is allowed is held all the time, and the rest is garbage.
function attack()
    local kept = {}
    for i = 1, 60000 do kept[i] = { i } end
    for i = 1, 300000 do kept[i % 60000 + 1] = { i } end
    return #kept == 60000 and "through"
end
