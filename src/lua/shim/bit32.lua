-- `bit32`: as `bit`, but results have no sign, and a shift may take all bits away.
local error, floor, select, tonumber, type = error, math.floor, select, tonumber, type
local band, bnot, bor, bxor = bit.band, bit.bnot, bit.bor, bit.bxor
local lshift, rshift, arshift, rol = bit.lshift, bit.rshift, bit.arshift, bit.rol

local function check_integer(value, index, name)
    local number = (type(value) == "number" or type(value) == "string") and tonumber(value)
    if not number then
        local kind = value == nil and "no value" or type(value)
        error("bad argument #" .. index .. " to '" .. name .. "' (number expected, got " .. kind .. ")", 3)
    elseif floor(number) ~= number or number - number ~= 0 then
        error("bad argument #" .. index .. " to '" .. name .. "' (number has no integer representation)", 3)
    end
    return number
end

local function check_bits(value, index, name)
    local number = (type(value) == "number" or type(value) == "string") and tonumber(value)
    if not number then
        local kind = value == nil and "no value" or type(value)
        error("bad argument #" .. index .. " to '" .. name .. "' (number expected, got " .. kind .. ")", 3)
    end
    return floor(number) % 2 ^ 32
end

local function unsigned(bits)
    return bits % 2 ^ 32
end

local function fold(name, operation, first)
    return function(...)
        local result = first
        for index = 1, select("#", ...) do
            result = operation(result, check_bits(select(index, ...), index, name))
        end
        return unsigned(result)
    end
end

local all = fold("btest", band, -1)

local function shift(bits, count)
    if count <= -32 or count >= 32 then
        return 0
    elseif count >= 0 then
        return unsigned(lshift(bits, count))
    end
    return unsigned(rshift(bits, -count))
end

local function check_field(field, width, index, name)
    field = check_integer(field, index, name)
    width = width == nil and 1 or check_integer(width, index + 1, name)
    if field < 0 then
        error("bad argument #" .. index .. " to '" .. name .. "' (field cannot be negative)", 3)
    elseif width <= 0 then
        error("bad argument #" .. index + 1 .. " to '" .. name .. "' (width must be positive)", 3)
    elseif field + width > 32 then
        error("trying to access non-existent bits", 3)
    end
    return field, width == 32 and -1 or lshift(1, width) - 1
end

return {
    band = fold("band", band, -1),
    bor = fold("bor", bor, 0),
    bxor = fold("bxor", bxor, 0),
    bnot = function(x)
        return unsigned(bnot(check_bits(x, 1, "bnot")))
    end,
    btest = function(...)
        return all(...) ~= 0
    end,
    lshift = function(x, count)
        return shift(check_bits(x, 1, "lshift"), check_integer(count, 2, "lshift"))
    end,
    rshift = function(x, count)
        return shift(check_bits(x, 1, "rshift"), -check_integer(count, 2, "rshift"))
    end,
    arshift = function(x, count)
        x, count = check_bits(x, 1, "arshift"), check_integer(count, 2, "arshift")
        if count < 0 then
            return shift(x, -count)
        end
        return unsigned(arshift(x, count > 31 and 31 or count))
    end,
    lrotate = function(x, count)
        return unsigned(rol(check_bits(x, 1, "lrotate"), check_integer(count, 2, "lrotate") % 32))
    end,
    rrotate = function(x, count)
        return unsigned(rol(check_bits(x, 1, "rrotate"), -check_integer(count, 2, "rrotate") % 32))
    end,
    extract = function(x, field, width)
        x = check_bits(x, 1, "extract")
        local at, mask = check_field(field, width, 2, "extract")
        return unsigned(band(rshift(x, at), mask))
    end,
    replace = function(x, value, field, width)
        x, value = check_bits(x, 1, "replace"), check_bits(value, 2, "replace")
        local at, mask = check_field(field, width, 3, "replace")
        return unsigned(bor(band(x, bnot(lshift(mask, at))), lshift(band(value, mask), at)))
    end,
}
