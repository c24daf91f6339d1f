-- killed: cpu-max
function attack() while true do load("local a = 1 return a")() end end
