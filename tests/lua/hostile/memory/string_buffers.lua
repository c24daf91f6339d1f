-- ends
function attack() local t = {} for i = 1, 1e6 do t[i] = ("x"):rep(100) end return #table.concat(t) end
