-- ends
function attack()
    local t = {}
    for _ = 1, 10000 do t = setmetatable({}, { __call = t }) end
    return pcall(t)
end
