-- ends
function attack()
    local s = "x"
    for _ = 1, 40 do s = s:gsub(".", "%0%0") end
    return #s
end
