-- killed: cpu-max
function attack()
    local n = 0
    for _ in ("a"):rep(100000):gmatch(".-b") do n = n + 1 end
    for _ in ("a"):rep(5000):gmatch("a*a*b") do n = n + 1 end
    return n
end
