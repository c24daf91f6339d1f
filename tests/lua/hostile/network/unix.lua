-- returns: refused
function attack()
    for _, path in ipairs({ "/var/run/docker.sock", "unix@/tmp/x", "unix@/run/x", "abns@x", "fd@0", "fd@3",
        "sockpair@3", "/dev/log", "ipv4@127.0.0.1", "udp@127.0.0.1" }) do
        local s = core.tcp()
        s:settimeout(1)
        local ok, connected = pcall(s.connect, s, path)
        if ok and connected then return path end
    end
    return "refused"
end
