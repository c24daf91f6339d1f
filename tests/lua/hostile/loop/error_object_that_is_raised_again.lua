-- error: unknown runtime error
function attack()
    local object = setmetatable({}, { __tostring = function() error("again") end })
    error(object)
end
