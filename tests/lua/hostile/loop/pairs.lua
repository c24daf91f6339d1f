-- killed: cpu-max
function attack()
    for _ in pairs(setmetatable({}, { __pairs = function() while true do end end })) do end
end
