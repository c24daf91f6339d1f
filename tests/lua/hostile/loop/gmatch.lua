-- killed: cpu-max
function attack() while true do for _ in ("aaaa"):gmatch("a") do end end end
