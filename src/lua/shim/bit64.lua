-- `bit64`: the operators of Lua 5.3 and 5.4 on integers of 64 bits, as far as doubles hold them, and
-- `//`. What is no number may have a metamethod, as there.
local error, floor, fmod, tonumber, type = error, math.floor, math.fmod, tonumber, type
local getmetatable, ipairs = getmetatable, ipairs
local plain_band, plain_bor, plain_bxor, plain_bnot = bit.band, bit.bor, bit.bxor, bit.bnot

local HALF, WORD, SIGN = 2 ^ 32, 2 ^ 64, 2 ^ 63
local LOW, HIGH = -2 ^ 31, 2 ^ 31

-- Returns what a metamethod makes of two values of which one is no number.
local function call(event, what, a, b, level)
    for _, value in ipairs({ a, b }) do
        local kind = type(value)
        local mt = (kind == "table" or kind == "userdata") and getmetatable(value)
        local method = type(mt) == "table" and mt[event]
        if method then
            return method(a, b)
        end
    end
    local wrong = (type(a) == "number" or tonumber(a)) and b or a
    error("attempt to perform " .. what .. " on a " .. type(wrong) .. " value", level)
end

-- Returns an integer.
local function whole(number)
    if floor(number) ~= number or number < -SIGN or number >= SIGN then
        error("number has no integer representation", 5)
    end
    return number
end

-- Returns two integers, or the result of a metamethod.
local function operands(event, a, b)
    local x = type(a) == "number" and a or type(a) == "string" and tonumber(a)
    local y = type(b) == "number" and b or type(b) == "string" and tonumber(b)
    if x and y then
        return whole(x), whole(y)
    end
    return nil, call(event, "bitwise operation", a, b, 5)
end

-- Applies an operation on 32 bits to both halves of two integers.
local function halves(operation, a, b)
    local low, other = a % HALF, b % HALF
    local high = operation((a - low) / HALF, (b - other) / HALF)
    return high * HALF + operation(low, other) % HALF
end

local function binary(event, operation)
    local function slow(a, b)
        local x, y = operands(event, a, b)
        if x then
            return halves(operation, x, y)
        end
        return y
    end
    return function(a, b)
        if type(a) == "number" and type(b) == "number" and a >= LOW and a < HIGH and b >= LOW and b < HIGH
            and floor(a) == a and floor(b) == b then
            return operation(a, b)
        end
        local result = slow(a, b)
        return result
    end
end

local function left(a, count)
    if count >= 64 then
        return 0
    end
    local result = a * 2 ^ count
    if result >= -SIGN and result < SIGN then
        return result
    end
    result = fmod(result, WORD)
    if result >= SIGN then
        return result - WORD
    elseif result < -SIGN then
        return result + WORD
    end
    return result
end

-- The bits that come in are zeros.
local function right(a, count)
    if count >= 64 then
        return 0
    elseif count == 0 then
        return a
    end
    local result = floor(a / 2 ^ count)
    if a < 0 then
        return result + 2 ^ (64 - count)
    end
    return result
end

local function shift(event, forwards, backwards)
    local function slow(a, b)
        local x, y = operands(event, a, b)
        if not x then
            return y
        elseif y < 0 then
            return backwards(x, -y)
        end
        return forwards(x, y)
    end
    return function(a, b)
        local result = slow(a, b)
        return result
    end
end

local function divide(a, b)
    local x = type(a) == "number" and a or type(a) == "string" and tonumber(a)
    local y = type(b) == "number" and b or type(b) == "string" and tonumber(b)
    if not (x and y) then
        local result = call("__idiv", "arithmetic", a, b, 4)
        return result
    elseif y == 0 and floor(x) == x and x - x == 0 then
        error("attempt to divide by zero", 3)
    end
    return floor(x / y)
end

local function negate(a)
    local x, y = operands("__bnot", a, a)
    if x then
        return halves(plain_bnot, x, 0)
    end
    return y
end

return {
    band = binary("__band", plain_band),
    bor = binary("__bor", plain_bor),
    bxor = binary("__bxor", plain_bxor),
    bnot = function(a)
        local result = negate(a)
        return result
    end,
    lshift = shift("__shl", left, right),
    rshift = shift("__shr", right, left),
    idiv = function(a, b)
        local result = divide(a, b)
        return result
    end,
}
