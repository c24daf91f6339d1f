-- killed: cpu-max
function attack() return "x" .. setmetatable({}, { __concat = function() while true do end end }) end
