-- ends
function attack(txn)
    local count = 0
    for name in pairs(core) do
        count = count + 1
        pcall(function() core[name] = function() while true do end end end)
    end
    pcall(function() setmetatable(core, { __index = function() while true do end end }) end)
    pcall(function() getmetatable(txn).__index = nil end)
    return count
end
