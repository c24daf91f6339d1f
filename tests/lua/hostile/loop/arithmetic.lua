-- killed: cpu-max
local function spin() while true do end end
function attack() return setmetatable({}, { __add = spin, __unm = spin }) + 1 end
