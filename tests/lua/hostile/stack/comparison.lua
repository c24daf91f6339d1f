-- error: stack overflow
local mt = {}
mt.__lt = function(a, b) return a < b end
function attack() return setmetatable({}, mt) < setmetatable({}, mt) end
