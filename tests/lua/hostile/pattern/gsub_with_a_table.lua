-- killed: cpu-max
function attack() while true do ("x"):rep(100000):gsub(".", { x = "y" }) end end
