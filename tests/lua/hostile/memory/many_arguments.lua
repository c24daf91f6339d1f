-- ends
function attack() return pcall(math.max, unpack({}, 1, 7000)), pcall(math.max, unpack({}, 1, 100000)) end
