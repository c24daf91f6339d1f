-- killed: cpu-max
local function spin() while true do end end
function attack() while true do pcall(string.gsub, "x", "x", spin) end end
