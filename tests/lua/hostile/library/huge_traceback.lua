-- error: here
local function deep(n) if n == 0 then error("here") end return (deep(n - 1)) end
function attack() return deep(5000) end
