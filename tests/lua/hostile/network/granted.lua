-- returns: here
-- policy: connect-allow ${origin}
function attack()
    local s = core.tcp()
    s:settimeout(5)
    assert(s:connect(ORIGIN_HOST, ORIGIN_PORT))
    s:send("here\n")
    local line = s:receive("*l")
    s:close()
    return line
end
