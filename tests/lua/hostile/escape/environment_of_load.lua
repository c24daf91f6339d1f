-- returns: nil
function attack()
    local f = load("return io, os and os.execute, debug and debug.getregistry", "x", "t")
    local a, b, c = f()
    return tostring(a or b or c)
end
