-- ends
local function deep() return xpcall(deep, deep) end
function attack() return deep() end
