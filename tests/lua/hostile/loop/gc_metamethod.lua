-- returns: false
-- A finalizer would run where nothing stops it: tables have none.
function attack()
    local ran = false
    do setmetatable({}, { __gc = function() ran = true while true do end end }) end
    for _ = 1, 2000 do local _ = { {} } end
    collectgarbage("step")
    return ran
end
