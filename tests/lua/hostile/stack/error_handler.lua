-- ends
local function fails() error("x") end
function attack() return xpcall(fails, fails) end
