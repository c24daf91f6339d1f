-- error: xxx
function attack() error(("x"):rep(1000000)) end
