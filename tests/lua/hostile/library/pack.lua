-- ends
function attack()
    local long = ("x"):rep(2 ^ 20)
    return pcall(string.pack, ("s"):rep(2000), long), pcall(string.pack, "c2147483640", "x"), pcall(string.unpack, ("B"):rep(100000), long),
        pcall(string.packsize, ("i"):rep(2 ^ 20)), pcall(string.pack, ("!16 b Xi16"):rep(100000), 1), pcall(utf8.codepoint, long, 1, -1),
        pcall(utf8.len, long), pcall(utf8.offset, long, 2 ^ 40), pcall(bit32.band, unpack({}, 1, 5000)), pcall(utf8.char, unpack({ 1 }, 1, 5000))
end
