-- killed: cpu-max
local function spin() while true do end end
function attack()
    pcall(load, function() while true do pcall(load, spin) end end)
    while true do end
end
