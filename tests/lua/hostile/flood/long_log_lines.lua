-- ends
function attack() for _ = 1, 1000 do core.Alert(("x"):rep(100000)) end return "done" end
