-- error: stack overflow
local function deep(n) return 1 + deep(n + 1) end
function attack() return deep(1) end
