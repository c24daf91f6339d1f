-- ends
local t = setmetatable({}, { __tostring = function(t) return coroutine.wrap(tostring)(t) end })
function attack() return tostring(t) end
