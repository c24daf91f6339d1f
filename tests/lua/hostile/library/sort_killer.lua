-- ends
-- The order that makes a median of three take the square of the time.
function attack()
    local n, t = 20000, {}
    for i = 1, n / 2 do
        if i % 2 == 1 then t[i] = i t[i + 1] = n / 2 + i end
        t[n / 2 + i] = 2 * i
    end
    table.sort(t)
    return #t
end
