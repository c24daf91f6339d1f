-- ends
function attack(txn)
    for _, kind in ipairs({ "f", "sf", "c", "sc" }) do
        local class = txn[kind]
        local mt = class and getmetatable(class)
        for name in pairs(type(mt) == "table" and type(mt.__index) == "table" and mt.__index or class or {}) do
            for _, a in ipairs({ "", "x", ("x"):rep(10000), -1, 0 / 0, {} }) do
                pcall(function() return class[name](class, a) end)
                pcall(function() return class[name](class, a, a, a, a) end)
            end
        end
    end
    return "done"
end
