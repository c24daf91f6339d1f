-- ends
-- policy: connect-allow ${origin}
-- policy: connections-max 3
function attack()
    local s = core.tcp()
    s:settimeout(1)
    assert(s:connect(ORIGIN_HOST, ORIGIN_PORT))
    s:send(("x"):rep(100000))
    return tostring(s:receive("*a")) and tostring(s:receive(2 ^ 53)) and tostring(s:receive(-1))
end
