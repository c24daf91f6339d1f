-- killed: cpu-max
local function spin() while true do pcall(coroutine.wrap(function() while true do end end)) end end
function attack() while true do coroutine.resume(coroutine.create(spin)) end end
