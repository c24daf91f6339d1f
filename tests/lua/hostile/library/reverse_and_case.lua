-- killed: cpu-max
function attack()
    local s = ("x"):rep(1000000)
    while true do s = s:reverse():upper():lower() end
end
