-- killed: cpu-max
-- What reads for the parser must not run below it, by whichever name.
local function spin() while true do end end
function attack()
    while true do pcall(loadstring, function() while true do pcall(loadstring, spin) end end) end
end
