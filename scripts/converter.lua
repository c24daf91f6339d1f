-- A converter: a string goes in, a string comes out. It knows nothing else.

-- `%[path,lua.slug]` gives "/A Page!" as "a-page".
core.register_converters("slug", function(text)
    return (text:lower():gsub("[^%w]+", "-"):gsub("^-", ""):gsub("-$", ""))
end)

-- Converters take arguments: `%[path,lua.hash(8)]`. BitOp, LuaJIT's library for the bits of a
-- number, is there as `bit` and compiles to machine code: this is FNV-1a.
core.register_converters("hash", function(text, digits)
    local hash = 0x811c9dc5
    for i = 1, #text do
        hash = bit.bxor(hash, text:byte(i))
        hash = bit.tobit(
            hash + bit.lshift(hash, 1) + bit.lshift(hash, 4) + bit.lshift(hash, 7)
                + bit.lshift(hash, 8) + bit.lshift(hash, 24)
        )
    end
    return bit.tohex(hash, tonumber(digits) or 8)
end)
