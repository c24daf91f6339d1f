-- returns: refused
local BYTECODE = "\27LJ\2\10\15\2\0\1\0\0\0\2K\0\1\0\0"
function attack()
    local function try(f, ...) return f and (select(2, pcall(f, ...))) end
    local function is_function(v) return type(v) == "function" end
    return (is_function(try(load, BYTECODE)) or is_function(try(load, BYTECODE, "x", "b"))
        or is_function(try(load, BYTECODE, "x", "bt")) or is_function(try(loadstring, BYTECODE))
        or is_function(try(load, function() local s = BYTECODE BYTECODE = nil return s end)))
        and "taken" or "refused"
end
