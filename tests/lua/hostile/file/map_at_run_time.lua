-- ends
function attack()
    for _, name in ipairs({ "/etc/passwd", "secret.lua", "../x", "\0", "" }) do
        if pcall(Map.new, name, Map._str) then return "opened " .. name end
    end
    return "refused"
end
