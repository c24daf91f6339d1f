-- ends
function attack()
    local t = {}
    for i = 1, 200000 do t[i] = (i * 7919) % 200003 end
    table.sort(t)
    return #t
end
