-- ends
function attack() return tonumber(("9"):rep(1000000)), tonumber(("z"):rep(1000000), 36) end
