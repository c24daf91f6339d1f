-- killed: cpu-max
local function deep(n)
    if n == 0 then while true do end end
    coroutine.wrap(deep)(n - 1)
    while true do end
end
function attack() deep(100) end
