-- ends
function attack()
    local c = core.concat()
    for _ = 1, 1e6 do c:add(("x"):rep(10000)) end
    return #c:dump()
end
