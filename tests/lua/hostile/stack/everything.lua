-- ends
local step = 0
local function deep()
    step = step + 1
    local kind = step % 6
    if kind == 0 then return coroutine.wrap(deep)() end
    if kind == 1 then return (("x"):gsub("x", deep)) end
    if kind == 2 then return pcall(deep) end
    if kind == 3 then return load(deep) end
    if kind == 4 then return tostring(setmetatable({}, { __tostring = deep })) end
    table.sort({ 2, 1 }, deep)
end
function attack() return deep() end
