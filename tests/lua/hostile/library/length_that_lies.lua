-- ends
local t = setmetatable({}, { __len = function() return 2147483647 end })
function attack()
    pcall(table.concat, t) pcall(table.sort, t) pcall(table.insert, t, 1) pcall(table.remove, t)
    pcall(table.unpack, t)
    return "done"
end
