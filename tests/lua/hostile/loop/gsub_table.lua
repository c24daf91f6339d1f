-- killed: cpu-max
function attack()
    return (("x"):gsub("x", setmetatable({}, { __index = function() while true do end end })))
end
