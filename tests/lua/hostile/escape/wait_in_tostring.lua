-- ends
function attack()
    return tostring(setmetatable({}, { __tostring = function() core.msleep(1) return "slept" end }))
end
