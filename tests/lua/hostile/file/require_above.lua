-- returns: refused
-- policy: lua-path lib/?.lua
function attack()
    for _, name in ipairs({ "../secret", "..secret", "../lib/../secret", "/etc/passwd", "link", "folder/../../secret",
        "....//secret", ".", "..", "", "\0", "secret\0", "%", "?", ("x"):rep(10000), "a/" .. ("../"):rep(50) .. "etc/passwd" }) do
        local ok, result = pcall(require, name)
        if ok then return "read " .. name end
        if tostring(result):find("SECRET") then return "shown by " .. name end
    end
    return "refused"
end
