-- ends
-- What an order that is none sorts to is nobody's business, but it comes to an end.
function attack()
    local t = {}
    for i = 1, 2000 do t[i] = i end
    table.sort(t, function() return true end)
    table.sort(t, function() return math.random() > 0.5 end)
    return #t
end
