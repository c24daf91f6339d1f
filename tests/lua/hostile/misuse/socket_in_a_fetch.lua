-- ends | fetch converter
function attack()
    local s = core.tcp()
    return tostring(s:connect("127.0.0.1", 1))
end
