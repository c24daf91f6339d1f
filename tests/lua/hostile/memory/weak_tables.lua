-- ends
-- What is weak is collected: this goes on until its time is over.
function attack()
    local t = setmetatable({}, { __mode = "kv" })
    for i = 1, 1e9 do t[i] = { i } end
end
