-- utf8: right, wrong and lax.
local function show(ok, ...)
    local out = { ... }
    for i = 1, select("#", ...) do
        local value = out[i]
        if type(value) == "string" and not ok then
            -- Lua names a function as it is called, and what is not there after its own work.
            out[i] = value:gsub("^[^:]*:%d+: ", ""):gsub("to '[^']*'", "to f"):gsub("got no value", "got nil")
        elseif type(value) == "string" then
            out[i] = "'" .. value:gsub(".", function(c)
                return ("%02x"):format(c:byte())
            end) .. "'"
        else
            out[i] = tostring(value)
        end
    end
    print(tostring(ok) .. ": " .. table.concat(out, " "))
end

local function call(name, ...)
    local arguments = table.pack(...)
    show(pcall(function()
        local result = table.pack(utf8[name](table.unpack(arguments, 1, arguments.n)))
        return table.unpack(result, 1, result.n)
    end))
end

local texts = {
    -- LuaJIT's own escapes end with Unicode.
    "", "abc", "häß", "日本語", "a\u{10FFFF}b", "\xF0\x9F\x98\x80!", "\xFD\xBF\xBF\xBF\xBF\xBFx", "\xED\xA0\x80", "\xC0\x80", "\xE0\x80\x80", "\x80a",
    "a\x80", "\xFF", "\xFE\x83\xBF\xBF\xBF\xBF\xBF", "\xC3", "\xE2\x82", "a\0b", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xC3\xA4\xA4",
}
for _, text in ipairs(texts) do
    for _, lax in ipairs({ false, true }) do
        call("len", text, 1, -1, lax)
        call("codepoint", text, 1, -1, lax)
        -- Only Lua 5.4.6 and later say that these have a byte too many.
        local stray = text == "\x80a" or text == "a\x80" or text == "\xC3\xA4\xA4"
        show(pcall(function()
            local out = {}
            for place, code in utf8.codes(stray and "" or text, lax) do
                out[#out + 1] = place .. "=" .. code
            end
            return table.concat(out, ",")
        end))
    end
    for i = -5, 6 do
        call("len", text, i)
        call("len", text, i, i)
        call("len", text, 1, i)
        call("codepoint", text, i)
        call("codepoint", text, i, -1)
        for n = -4, 4 do
            call("offset", text, n)
            call("offset", text, n, i)
        end
    end
end
for _, code in ipairs({ 0, 1, 127, 128, 2047, 2048, 65535, 65536, 0x10FFFF, 0x1FFFFF, 0x200000, 0x3FFFFFF, 0x4000000, 0x7FFFFFFF }) do
    call("char", code)
    call("char", code, 65)
end
call("char")
call("char", 2 ^ 31)
call("char", -1)
call("char", "65")
call("char", 1.5)
call("char", {})
call("len")
call("len", {})
call("codepoint", "abc", 4)
call("offset", "abc")
call("codes", {})
call("codepoint", "abc", 2, 1)
local parts = {}
for char in ("aä日😀\0x"):gmatch(utf8.charpattern) do
    parts[#parts + 1] = #char
end
print(table.concat(parts, " "))
print(require("utf8") == utf8)
