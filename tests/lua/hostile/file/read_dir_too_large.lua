-- returns: refused
-- policy: read-dir data max 1k
function attack()
    local file = io.open("large.txt")
    if not file then return "refused" end
    local text = file:read("*a")
    return text and #text > 1024 and "read " .. #text or "refused"
end
