-- ends
local function deep() return pcall(deep) end
function attack() return deep() end
