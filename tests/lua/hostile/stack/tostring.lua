-- ends
local t = setmetatable({}, { __tostring = function(t) return tostring(t) end })
function attack() return tostring(t) end
