-- ends
function attack() return table.remove({}, -2147483648), pcall(table.remove, { 1 }, 1e9) end
