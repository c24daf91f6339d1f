-- error: stack overflow
local function deep() table.sort({ 2, 1 }, deep) return true end
function attack() return deep() end
