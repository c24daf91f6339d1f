-- returns: none
function attack()
    local found = {}
    for _, name in ipairs({ "string.dump", "os.execute", "os.exit", "os.remove", "os.rename", "os.tmpname",
        "os.setlocale", "debug.getregistry", "debug.getupvalue", "debug.setupvalue", "debug.getinfo",
        "debug.getlocal", "debug.setlocal", "debug.sethook", "debug.gethook", "debug.setmetatable",
        "debug.getmetatable", "debug.upvaluejoin", "debug.upvalueid", "debug.setfenv", "debug.getfenv",
        "debug.debug", "debug.setuservalue" }) do
        local library, key = name:match("(.*)%.(.*)")
        if _G[library] and _G[library][key] ~= nil then found[#found + 1] = name end
    end
    return #found == 0 and "none" or table.concat(found, " ")
end
