-- error: stack overflow
local t = setmetatable({}, { __tostring = function(t) return ("%s"):format(t) end })
function attack() return tostring(t) end
