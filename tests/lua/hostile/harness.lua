-- What every tenant of these tests loads before its own script: the ways to call `attack`, and
-- `well`, which must go on working whatever became of a call of it.
local origin = ...
local globals, match, rawget, tonumber, tostring = _G, string.match, rawget, tonumber, tostring

-- A server that sends back what it gets.
ORIGIN_HOST, ORIGIN_PORT = match(origin, "^(.*):(%d+)$")
ORIGIN_PORT = tonumber(ORIGIN_PORT)

local function attack(...)
    return tostring((rawget(globals, "attack")(...)))
end

core.register_action("attack", { "http-req" }, function(txn)
    -- Where the proxy itself listens.
    PORT = tonumber(txn.f:req_fhdr("x-port"))
    txn:set_var("txn.result", attack(txn))
end)

core.register_fetches("attack", attack)
core.register_converters("attack", attack)

core.register_service("attack", "http", function(applet)
    local result = attack(applet)
    applet:set_status(200)
    applet:add_header("content-length", tostring(#result))
    applet:start_response()
    applet:send(result)
end)

core.register_fetches("well", function()
    return "well"
end)
