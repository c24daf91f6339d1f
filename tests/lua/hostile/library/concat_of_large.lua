-- ends
function attack()
    local t, big = {}, ("x"):rep(100000)
    for i = 1, 10000 do t[i] = big end
    return #table.concat(t)
end
