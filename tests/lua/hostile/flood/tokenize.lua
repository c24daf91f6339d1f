-- ends
function attack() return #core.tokenize(("a,"):rep(20000), ",;") end
