-- ends
function attack() return pcall(string.char, unpack({}, 1, 5000)) end
