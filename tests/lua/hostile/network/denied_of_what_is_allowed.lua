-- returns: refused
-- policy: connect-allow 127.0.0.0/8
-- policy: connect-deny ${origin}
function attack()
    local s = core.tcp()
    local ok, connected = pcall(s.connect, s, ORIGIN_HOST, ORIGIN_PORT)
    return ok and connected and "connected" or "refused"
end
