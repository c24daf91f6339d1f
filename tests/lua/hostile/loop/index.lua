-- killed: cpu-max | action fetch converter service
function attack() return setmetatable({}, { __index = function() while true do end end }).x end
