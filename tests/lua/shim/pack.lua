-- string.pack, unpack, packsize: right and wrong arguments.
local function hex(s)
    return (s:gsub(".", function(c)
        return ("%02x"):format(c:byte())
    end))
end

local function show(ok, ...)
    local out = { ... }
    for i = 1, select("#", ...) do
        local value = out[i]
        if type(value) == "number" then
            out[i] = ("%.14g"):format(value)
        elseif type(value) == "string" and not ok then
            -- Lua names a function as it is called, and what is not there after its own work.
            out[i] = value:gsub("^[^:]*:%d+: ", ""):gsub("to '[^']*'", "to f"):gsub("got no value", "got nil")
        elseif type(value) == "string" then
            out[i] = "'" .. hex(value) .. "'"
        else
            out[i] = tostring(value)
        end
    end
    print(tostring(ok) .. ": " .. table.concat(out, " "))
end

-- Through a closure, so that both name the function alike.
local function pack(...)
    local arguments = table.pack(...)
    show(pcall(function()
        local result = string.pack(table.unpack(arguments, 1, arguments.n))
        return result
    end))
end
local function unpack(...)
    local arguments = table.pack(...)
    show(pcall(function()
        local result = table.pack(string.unpack(table.unpack(arguments, 1, arguments.n)))
        return table.unpack(result, 1, result.n)
    end))
end
local function packsize(...)
    local arguments = table.pack(...)
    show(pcall(function()
        local result = string.packsize(table.unpack(arguments, 1, arguments.n))
        return result
    end))
end

for _, f in ipairs({ "b", "B", "h", "H", "i", "I", "l", "L", "j", "J", "T", "i3", "I5", "i7", "i16", "I16" }) do
    for _, n in ipairs({ 0, 1, -1, 127, 128, -128, -129, 255, 256, 32768, 65535, 65536, 2 ^ 31, 2 ^ 40, -2 ^ 31 - 1 }) do
        for _, order in ipairs({ "<", ">", "=" }) do
            pack(order .. f, n)
        end
    end
    packsize(f)
    packsize("!8 b" .. f)
end
for _, n in ipairs({ 0, 1, -1.5, 3.14159, 1e300, -1 / 0, 2 ^ -1074 }) do
    for _, f in ipairs({ "<f", ">f", "<d", ">d", "n" }) do
        pack(f, n)
        unpack(f, string.pack(f, n))
    end
end
for _, f in ipairs({ "s", "s1", ">s2", "z", "c5", "c3", "c0", "!4 b s4", "x", "b x h", "!4 b Xi4 h", "!8 b Xd d", "!2 b i8 ", "!16 b i16" }) do
    pack(f, "abc", "d", "e")
    pack(f, 1, "abc", 2)
    pack(f, 1, 2, 3)
    pack(f)
    packsize(f)
    unpack(f, "\3\0\0\0abcdefghijklmnopqrstuvwxyz\0\0\0")
    unpack(f, "\1ab")
    unpack(f, "")
end
for _, f in ipairs({
    "y", "i17", "i0", "I99", "c", "X", "Xc1", "X ", "!3 i4", "!17", "!0", "!4 i3", "s99", "i4\0y", "c1c2c3", " < > = ", "i", "Xz", "!",
}) do
    pack(f, 1, 2, 3)
    packsize(f)
    unpack(f, ("\1"):rep(40))
end
pack("s1", ("x"):rep(256))
pack("z", "a\0b")
pack("i", 1.5)
pack("i", "17")
pack("i", "x")
pack("i", {})
pack("d", "1.5")
pack("c3", 12)
pack("<i16", -2)
unpack("<i16", string.pack("<i16", -2))
unpack("<I16", string.pack("<i16", -2))
unpack("<i9", ("\255"):rep(9))
unpack("<I9", ("\1"):rep(9))
unpack("<i8", ("\255"):rep(8))
unpack("<J", ("\255"):rep(8))
unpack("<i3", "\255\255\127")
unpack("<i3", "\0\0\128")
unpack(">I3", "\128\0\1")
for _, at in ipairs({ 1, 2, 3, 4, 5, 0, -1, -2, -3, -9 }) do
    unpack("B", "abc", at)
    unpack("BB", "abc", at)
    unpack("", "abc", at)
end
unpack("!4 B i4", "\1\0\0\0\2\0\0\0")
unpack("!4 i4", "x\0\0\0\2\0\0\0", 2)
unpack("z z", "ab\0cd\0")
unpack("s1 s2", "\2ab\1\0c")
unpack("B", 7)
unpack("B", nil)
unpack(nil, "a")
packsize("!8 b Xh i4 i8 c1 Xi8")
packsize("c99999999999999999999")
packsize("s")
packsize("z")
packsize("c2147483647c2147483647")
