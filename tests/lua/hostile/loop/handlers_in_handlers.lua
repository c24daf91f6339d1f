-- killed: cpu-max
local function handler() xpcall(error, handler, "again") while true do end end
function attack() while true do pcall(xpcall, error, handler, "x") end end
