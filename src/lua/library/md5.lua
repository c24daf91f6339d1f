-- `md5`: `sum` gives 16 bytes, `sumhexa` their digits.
local host = ...
local sum, to_hex = host.hash.sum, host.hash.to_hex

return {
    exor = host.hash.exor,
    sum = function(text)
        return sum("md5", text)
    end,
    sumhexa = function(text)
        return to_hex(sum("md5", text))
    end,
}
