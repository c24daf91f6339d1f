-- ends
-- What is refused again and again is not given in the end.
function attack()
    local kept = {}
    while true do
        local ok, s = pcall(string.rep, "x", 1000000)
        kept[#kept + 1] = ok and s .. #kept or nil
    end
end
