-- error: memory
function attack() return #("x"):rep(2 ^ 31 - 1) end
