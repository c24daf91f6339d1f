-- returns: refused
-- policy: read-dir data
function attack()
    for _, name in ipairs({ "../secret.lua", "/etc/passwd", "link", "folder_link/secret.lua", "./../secret.lua",
        "x/../../secret.lua", "..", ".", "", "/", "\0", "open.txt\0x", "/proc/self/environ", "/dev/zero" }) do
        local ok, file = pcall(io.open, name)
        if ok and file then return "opened " .. name end
        local ok, lines = pcall(function() for line in io.lines(name) do return line end end)
        if ok and lines then return "read " .. name end
    end
    return "refused"
end
