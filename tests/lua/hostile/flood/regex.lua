-- ends
function attack()
    local ok, regex = pcall(Regex.new, ("(a*)*"):rep(10) .. "b", true)
    if type(regex) ~= "table" and type(regex) ~= "userdata" then return "none" end
    pcall(function() return regex:exec(("a"):rep(100000)) end)
    pcall(function() return regex:match(("a"):rep(100000)) end)
    return "done"
end
