-- ends
function attack()
    local t = {}
    for i = 1, 300 do t[i] = "local a" .. i end
    return load(table.concat(t, "\n")), load("return " .. ("function() return "):rep(1000))
end
