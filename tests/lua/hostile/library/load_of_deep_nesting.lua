-- ends
function attack()
    return load("return " .. ("("):rep(100000)), load("return " .. ("{"):rep(100000)), load("x = " .. ("-"):rep(100000))
end
