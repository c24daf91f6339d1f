-- ends
-- A chain of tables that each look in the next, and a ring of them.
function attack()
    local t = {}
    for _ = 1, 10000 do t = setmetatable({}, { __index = t }) end
    local a, b = {}, {}
    setmetatable(a, { __index = b }) setmetatable(b, { __index = a })
    return pcall(function() return t.x end), pcall(function() return a.x end)
end
