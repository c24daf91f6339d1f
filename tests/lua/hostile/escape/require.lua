-- returns: none
function attack()
    local found = {}
    for _, name in ipairs({ "ffi", "jit", "jit.util", "jit.opt", "jit.profile", "string.buffer", "table.new",
        "table.clear", "thread.exdata", "io", "package", "socket", "mlua" }) do
        if require and pcall(require, name) then found[#found + 1] = name end
    end
    return #found == 0 and "none" or table.concat(found, " ")
end
