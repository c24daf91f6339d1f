-- ends
function attack() return select("#", pcall(string.byte, ("x"):rep(1000000), 1, -1)) end
