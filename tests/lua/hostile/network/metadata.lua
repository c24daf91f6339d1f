-- returns: refused
-- policy: connect-allow *
function attack()
    for _, host in ipairs({ "169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "fd00:ec2::254", "224.0.0.1",
        "255.255.255.255" }) do
        local s = core.tcp()
        s:settimeout(1)
        local ok, connected, why = pcall(s.connect, s, host, 80)
        if ok and connected then return host end
        if ok and not tostring(why):find("policy") then return host .. ": " .. tostring(why) end
    end
    return "refused"
end
