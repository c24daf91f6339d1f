-- returns: refused
-- What looks like a string and is not one.
function attack()
    local mode = setmetatable({}, { __tostring = function() return "b" end })
    local ok, f = pcall(load, "\27LJ\2", "x", mode)
    return type(f) == "function" and "taken" or "refused"
end
