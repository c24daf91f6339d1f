-- killed: cpu-max
function attack() setmetatable({}, { __newindex = function() while true do end end }).x = 1 end
