-- error: stack overflow
local function deep() return (("x"):gsub("x", deep)) end
function attack() return deep() end
