-- returns: hidden
function attack()
    local mt = getmetatable("")
    if type(mt) == "table" then return "seen" end
    return pcall(setmetatable, "", {}) and "set" or "hidden"
end
