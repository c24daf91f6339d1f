-- returns: refused
-- policy: connect-allow ${origin}
function attack()
    local s = core.tcp()
    s:settimeout(1)
    local ok, connected = pcall(s.connect, s, ORIGIN_HOST, ORIGIN_PORT == 1 and 2 or 1)
    return ok and connected and "connected" or "refused"
end
