-- ends
function attack()
    return table.move and pcall(table.move, { 1 }, 1, 2147483646, 2), pcall(table.move, {}, 1, 1e8, 2, {})
end
