-- error: bad argument #2 to 'insert'
-- A string that reads as a number is as good as one.
function attack()
    pcall(table.insert, {}, "0x7fffffff", 1)
    table.insert({}, "-2147483648", 1)
end
