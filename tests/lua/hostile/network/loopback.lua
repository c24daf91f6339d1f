-- returns: refused
function attack()
    local out = {}
    for _, host in ipairs({ "127.0.0.1", "127.0.0.2", "127.255.255.254", "::1", "localhost", "0.0.0.0", "::",
        "::ffff:127.0.0.1", "::ffff:7f00:1", "2130706433", "0x7f.1", "127.1", "0177.0.0.1" }) do
        local s = core.tcp()
        s:settimeout(1)
        local ok, connected = pcall(s.connect, s, host, 80)
        if ok and connected then out[#out + 1] = host end
        pcall(s.close, s)
    end
    return #out == 0 and "refused" or table.concat(out, " ")
end
