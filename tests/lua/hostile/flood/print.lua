-- ends
function attack() for i = 1, 1e5 do print(i, i, i) end return "done" end
