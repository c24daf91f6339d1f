-- ends
function attack()
    pcall(math.random, 0) pcall(math.random, 2 ^ 53, -2 ^ 53) pcall(math.randomseed, 0 / 0)
    pcall(math.random, 1, 1 / 0) pcall(bit.lshift, 1, 1e300) pcall(bit.tohex, 1, -2147483648)
    return "done"
end
