-- returns: open data
-- policy: read-dir data
function attack()
    local file = assert(io.open("open.txt"))
    local text = file:read("*a")
    file:close()
    return text
end
