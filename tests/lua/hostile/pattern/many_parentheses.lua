-- ends
function attack() return pcall(string.find, "x", ("("):rep(1000000)) end
