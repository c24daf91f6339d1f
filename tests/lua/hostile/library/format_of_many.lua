-- ends
function attack() return pcall(string.format, ("%s"):rep(100000), "x") end
