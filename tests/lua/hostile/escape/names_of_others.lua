-- returns: none
function attack()
    local found = {}
    for name in pairs(_G) do if tostring(name):find("good") then found[#found + 1] = name end end
    return #found == 0 and "none" or table.concat(found)
end
