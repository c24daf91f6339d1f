-- returns: none
function attack()
    local found = {}
    for _, name in ipairs({ "io", "jit", "ffi", "getfenv", "setfenv", "newproxy", "module",
        "dofile", "loadfile", "gcinfo" }) do
        if rawget(_G, name) ~= nil then found[#found + 1] = name end
    end
    for _, name in ipairs({ "loadlib", "loaders", "searchers", "searchpath" }) do
        if package and package[name] ~= nil then found[#found + 1] = "package." .. name end
    end
    return #found == 0 and "none" or table.concat(found, " ")
end
