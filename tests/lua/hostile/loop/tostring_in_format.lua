-- killed: cpu-max
local spins = setmetatable({}, { __tostring = function() while true do end end })
function attack() while true do pcall(string.format, "%s", spins) end end
