-- ends
function attack()
    return load(("do "):rep(5000) .. ("end "):rep(5000)), load("return " .. ("not "):rep(16000) .. "1"),
        load("return " .. ("a."):rep(5000) .. "a"), load("return " .. ("a{"):rep(5000) .. ("}"):rep(5000))
end
