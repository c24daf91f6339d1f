-- returns: 1 2 3
function attack()
    local co = coroutine.wrap(function()
        pcall(function() coroutine.yield(1) pcall(coroutine.yield, 2) error("x") end)
        return 3
    end)
    return co() .. " " .. co() .. " " .. co()
end
