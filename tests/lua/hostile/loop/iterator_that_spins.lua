-- killed: cpu-max
function attack() for _ in function() while true do end end do end end
