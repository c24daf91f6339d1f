-- returns: nothing left
function attack()
    local globals = _G
    for name in pairs(globals) do if name ~= "attack" then globals[name] = nil end end
    return "nothing left"
end
