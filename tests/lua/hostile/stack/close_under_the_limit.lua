-- returns: 150
-- So many coroutines in each other are allowed.
local function deep(n) return n == 0 and 0 or 1 + coroutine.wrap(deep)(n - 1) end
function attack() return deep(150) end
