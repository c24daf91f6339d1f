-- ends
function attack()
    for _ = 1, 100 do setmetatable({}, { __gc = function() error("x") end, __mode = "k" }) end
    local s = core.tcp()
    pcall(function() getmetatable(s).__gc = function() while true do end end end)
    return collectgarbage("count") > 0
end
