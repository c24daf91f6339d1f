-- error: bad argument #2 to 'insert'
function attack() table.insert({}, -2147483648, 1) end
