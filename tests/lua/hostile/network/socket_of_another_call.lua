-- ends
-- policy: connect-allow ${origin}
function attack()
    if socket then return tostring(pcall(socket.send, socket, "x\n")) end
    socket = core.tcp()
    socket:connect(ORIGIN_HOST, ORIGIN_PORT)
    socket:send("x\n")
    return "kept"
end
