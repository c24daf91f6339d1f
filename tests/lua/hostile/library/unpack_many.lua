-- ends
function attack() return pcall(unpack, {}, 1, 1e7), pcall(unpack, {}, -2147483648, 2147483647) end
