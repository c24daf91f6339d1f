-- ends
local t = setmetatable({}, { __index = function(t, k) return t[k .. "x"] end })
function attack() return t.x end
