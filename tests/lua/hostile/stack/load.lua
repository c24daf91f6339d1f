-- ends
local function deep() assert(load(deep)) end
function attack() return deep() end
