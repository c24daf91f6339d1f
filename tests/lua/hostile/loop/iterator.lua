-- killed: cpu-max
function attack() for _ in function() return 1 end do end end
