-- killed: cpu-max
local function spin() while true do end end
local spins = setmetatable({}, { __tostring = function() xpcall(spin, spin) end })
function attack() while true do pcall(tostring, spins) pcall(print, spins) end end
