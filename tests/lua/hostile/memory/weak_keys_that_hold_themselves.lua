-- ends
function attack()
    local t = setmetatable({}, { __mode = "k" })
    for i = 1, 1e9 do local k = {} t[k] = { k } end
end
