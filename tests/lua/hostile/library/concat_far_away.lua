-- ends
function attack() return pcall(table.concat, {}, "x", 1, 2147483647) end
