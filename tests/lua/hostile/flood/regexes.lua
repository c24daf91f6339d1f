-- ends
function attack()
    local t = {}
    for i = 1, 1e5 do
        local ok, regex = pcall(Regex.new, "(a{1,200}){1,200}" .. i, true)
        t[i] = regex
    end
    return "done"
end
