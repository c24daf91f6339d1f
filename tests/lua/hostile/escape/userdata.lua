-- ends
-- What lies below the objects has no metatable to take hold of.
function attack(txn)
    local data = rawget(txn, 0)
    local seen = tostring(getmetatable(data))
    pcall(function() getmetatable(data).__gc() end)
    pcall(function() getmetatable(data).__gc(data) end)
    pcall(function() getmetatable(data).__index = nil end)
    pcall(function() return data.x end)
    pcall(function() data.x = 1 end)
    return txn:get_var("txn.none") == nil and "done"
end
