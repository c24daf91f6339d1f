-- Two ways to say hello.

-- The first HAProxy Lua document (2015) let a rule name any global function:
--     tcp-request content lua hello_world
-- The function gets the transaction. Its response channel leads to the client, and nothing need
-- have come from the client before something is sent to it.
function hello_world(txn)
    local res = txn:res_channel()
    res:send("hello world\n")
end

-- Today a service is registered by name, and `http-request use-service lua.hello_world` runs it
-- instead of a server. An HTTP service sets a status, adds headers, starts the answer, sends it.
core.register_service("hello_world", "http", function(applet)
    local body = "hello world\n"
    applet:set_status(200)
    applet:add_header("content-type", "text/plain")
    applet:add_header("content-length", tostring(#body))
    applet:start_response()
    applet:send(body)
end)
