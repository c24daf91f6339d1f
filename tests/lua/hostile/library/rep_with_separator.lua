-- error:
function attack() return #("x"):rep(1e9, ("y"):rep(1000)) end
