-- ends
local function more(n, ...) if n == 0 then return ... end return more(n - 1, n, ...) end
function attack() return select("#", more(5000)), pcall(more, 1e6) end
