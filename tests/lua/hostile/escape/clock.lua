-- returns: coarse
-- No clock goes on while a script runs: only where it is made to give way.
function attack()
    local seen, count = {}, 0
    for _ = 1, 2000 do
        local time = core.now()
        local now = time.sec .. " " .. time.usec .. " " .. os.clock()
        if not seen[now] then seen[now], count = true, count + 1 end
    end
    return count < 200 and "coarse" or "fine: " .. count
end
