-- ends
local t = setmetatable({}, { __tostring = function(t) print(t) return "x" end })
function attack() print(t) return "done" end
