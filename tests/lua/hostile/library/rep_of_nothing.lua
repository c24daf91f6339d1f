-- returns: 0
function attack() return #(""):rep(2 ^ 31 - 1) end
