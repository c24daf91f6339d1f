-- error: unknown runtime error
function attack()
    error(setmetatable({}, { __tostring = function() while true do end end }))
end
