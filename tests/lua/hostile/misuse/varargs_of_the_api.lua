-- ends
function attack(txn)
    for _, f in pairs(core) do
        if type(f) == "function" and f ~= core.sleep and f ~= core.msleep then
            pcall(f) pcall(f, nil) pcall(f, {}) pcall(f, -1) pcall(f, 0 / 0) pcall(f, "", "") pcall(f, unpack({}, 1, 200))
        end
    end
    return "done"
end
