-- error: stack overflow
local t = {}
setmetatable(t, { __concat = function(a) return a .. "x" end })
function attack() return t .. "x" end
