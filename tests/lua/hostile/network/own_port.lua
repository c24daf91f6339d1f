-- returns: refused
-- policy: connect-allow 127.0.0.0/8
-- Loopback is granted, the proxy itself is not.
function attack()
    local s = core.tcp()
    s:settimeout(1)
    local ok, connected = pcall(s.connect, s, "127.0.0.1", PORT)
    return ok and connected and "connected" or "refused"
end
