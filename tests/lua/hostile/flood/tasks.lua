-- ends
-- policy: tasks-max 4
function attack()
    local started = 0
    for _ = 1, 1000 do
        if pcall(core.register_task, function() while true do core.msleep(100) end end) then started = started + 1 end
    end
    return started
end
