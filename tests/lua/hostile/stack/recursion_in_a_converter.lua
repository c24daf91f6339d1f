-- error: stack overflow | converter fetch service
local function deep() return (("x"):gsub("x", deep)) end
function attack() return deep() end
