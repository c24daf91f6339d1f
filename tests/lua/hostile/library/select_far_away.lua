-- ends
function attack() return pcall(select, -2147483648), pcall(select, 2147483647, 1) end
