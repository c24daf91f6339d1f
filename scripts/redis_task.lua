-- A task that asks Redis every now and then, and a service that shows what it answered.

-- Where Redis is; the task connects by itself, so nothing waits for it.
local address = os.getenv("REDIS") or "127.0.0.1:6379"
local host, port = address:match("^(.*):(%d+)$")

-- What the task learned last. All functions of this file share it.
local visits = "not known yet"

-- Sends one command and returns its answer: an integer or a simple string of Redis' protocol.
local function ask(socket, command)
    local sent, err = socket:send(command .. "\r\n")
    if not sent then
        return nil, err
    end
    local line
    line, err = socket:receive("*l")
    if not line then
        return nil, err
    end
    return (line:gsub("^[:+]", ""))
end

-- A task starts with the proxy and runs beside the traffic. Whatever waits in it (connect, send,
-- receive, sleep) lets everything else go on.
core.register_task(function()
    while true do
        local socket = core.tcp()
        socket:settimeout(2)
        local ok, err = socket:connect(host, tonumber(port))
        if ok then
            visits, err = ask(socket, "INCR visits")
        end
        if err then
            visits = "not known: " .. err
        end
        socket:close()
        core.msleep(200)
    end
end)

core.register_service("visits", "http", function(applet)
    local body = "visits: " .. visits .. "\n"
    applet:set_status(200)
    applet:add_header("content-type", "text/plain")
    applet:add_header("content-length", tostring(#body))
    applet:start_response()
    applet:send(body)
end)
