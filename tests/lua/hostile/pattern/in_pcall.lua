-- killed: cpu-max
function attack()
    local s = ("a"):rep(100000)
    while true do pcall(string.find, s, ".*.*b") end
end
