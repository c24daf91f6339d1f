-- returns: own damage
-- What a script does to its libraries, it does to its own.
function attack()
    for _, library in ipairs({ string, table, math, bit, coroutine, os or {} }) do
        for name in pairs(library) do library[name] = function() return "broken" end end
    end
    return "own damage"
end
