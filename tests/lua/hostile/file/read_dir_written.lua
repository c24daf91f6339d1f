-- returns: refused
-- policy: read-dir data
function attack()
    for _, mode in ipairs({ "w", "a", "r+", "w+", "a+", "rw", "wb", "rb+", "x", "" }) do
        local ok, file = pcall(io.open, "open.txt", mode)
        if ok and file and pcall(function() assert(file:write("x")) end) then return "written by " .. mode end
    end
    for _, name in ipairs({ "popen", "output", "tmpfile", "write" }) do
        if io[name] then return name end
    end
    return "refused"
end
