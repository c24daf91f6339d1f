-- killed: cpu-max
function attack()
    xpcall(error, setmetatable({}, { __call = function() while true do end end }), "x")
end
