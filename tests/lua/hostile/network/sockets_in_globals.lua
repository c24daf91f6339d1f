-- ends
-- policy: connect-allow ${origin}
-- policy: connections-max 5
function attack()
    sockets = sockets or {}
    for i = 1, 3 do
        local s = core.tcp()
        if s:connect(ORIGIN_HOST, ORIGIN_PORT) then sockets[#sockets + 1] = s end
    end
    return #sockets
end
