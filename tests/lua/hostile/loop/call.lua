-- killed: cpu-max
function attack() return setmetatable({}, { __call = function() while true do end end })() end
