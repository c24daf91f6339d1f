-- ends
function attack()
    local a, t = ("a"):rep(500000), {}
    for i = 1, 200 do t[i] = a .. i end
    table.sort(t)
    return #t
end
