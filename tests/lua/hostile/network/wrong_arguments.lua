-- ends
function attack()
    local s = core.tcp()
    for _, a in ipairs({ 0 / 0, 1 / 0, -1, 1e300, "", "\0", ("x"):rep(100000), {}, print, true, "[::1", "a b", "%s" }) do
        for _, b in ipairs({ 0 / 0, -1, 0, 65536, 1e300, "x", {}, true }) do
            pcall(s.connect, s, a, b) pcall(s.settimeout, s, b) pcall(s.receive, s, a, b) pcall(s.send, s, a, b, a)
        end
    end
    return "done"
end
