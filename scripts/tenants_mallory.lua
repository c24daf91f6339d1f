-- A tenant that means no good. None of this reaches anybody else.
core.register_action("loop", { "http-req" }, function()
    while true do
        pcall(function()
            while true do end
        end)
    end
end)

core.register_action("grow", { "http-req" }, function()
    local all = {}
    while true do
        all[#all + 1] = ("x"):rep(1000) .. #all
    end
end)

core.register_fetches("spy", function()
    local found = {}
    for _, name in ipairs({ "io", "debug.sethook", "os.execute", "ffi", "jit", "package.loadlib" }) do
        local value = _G
        for part in name:gmatch("%w+") do
            value = type(value) == "table" and value[part] or nil
        end
        if value ~= nil then
            found[#found + 1] = name
        end
    end
    return #found == 0 and "nothing" or table.concat(found, " ")
end)
