-- killed: cpu-max
local function spin() while true do end end
function attack() while true do xpcall(spin, spin) end end
