-- killed: cpu-max
function attack() return #setmetatable({}, { __len = function() while true do end end }) end
