-- returns: refused
-- policy: connect-allow *
function attack()
    local out = {}
    for _, host in ipairs({ "127.0.0.1", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
        "2002:7f00:1::" }) do
        local s = core.tcp()
        s:settimeout(1)
        local ok, connected = pcall(s.connect, s, host, PORT)
        if ok and connected then out[#out + 1] = host end
        pcall(s.close, s)
    end
    return #out == 0 and "refused" or table.concat(out, " ")
end
