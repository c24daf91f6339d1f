-- returns: refused
function attack()
    local parts, at = { "\27", "LJ", "\2\10\15\2\0\1\0\0\0\2K\0\1\0\0" }, 0
    local ok, f = pcall(load, function() at = at + 1 return parts[at] end, "x", "bt")
    return type(f) == "function" and "taken" or "refused"
end
