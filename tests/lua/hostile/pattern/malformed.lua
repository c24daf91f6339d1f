-- returns: all refused
function attack()
    local wrong = { "[", "[a", "%", "(", ")", "%1", "(()", "%b", "%bx", "%f", "[%", "[]", "[^]", ("("):rep(40) }
    for _, pattern in ipairs(wrong) do
        for _, f in ipairs({ string.find, string.match }) do
            if pcall(f, "x(", pattern, "") then return "not refused: " .. pattern end
        end
    end
    return "all refused"
end
