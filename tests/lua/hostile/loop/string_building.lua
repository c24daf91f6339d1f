-- ends
function attack() local s = "" while true do s = s .. "x" end end
