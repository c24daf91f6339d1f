-- killed: cpu-max
local mt = { __lt = function() while true do end end }
function attack() table.sort({ setmetatable({}, mt), setmetatable({}, mt) }) end
