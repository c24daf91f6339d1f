-- An HTTP CONNECT server as an action: a client asks for a tunnel to an address, the rules after
-- the action connect it.

-- Where clients may go, and through which ports. A proxy that goes anywhere is everybody's.
local networks, ports = {}, {}
for text in (os.getenv("CONNECT_ALLOW") or "127.0.0.0/8"):gmatch("%S+") do
    networks[#networks + 1] = core.parse_addr(text) or error("CONNECT_ALLOW: no network: " .. text)
end
for text in (os.getenv("CONNECT_PORTS") or "443 8000"):gmatch("%d+") do
    ports[tonumber(text)] = true
end

local function is_allowed(address)
    for _, network in ipairs(networks) do
        if core.match_addr(address, network) then
            return true
        end
    end
    return false
end

-- Answers and ends: `txn:done` does not come back.
local function refuse(txn, status)
    txn.res:send("HTTP/1.1 " .. status .. "\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    txn:done()
end

core.register_action("connect", { "tcp-req" }, function(txn)
    local line = txn.req:getline()
    if line == nil then
        txn:done()
    end
    local host, port = line:match("^CONNECT ([%x.:%[%]]+):(%d+) HTTP/1%.[01]\r?\n$")
    if host == nil then
        refuse(txn, line:match("^CONNECT ") and "400 Bad Request" or "405 Method Not Allowed")
    end

    -- The headers are not looked at, but they end somewhere.
    local count = 0
    repeat
        line = txn.req:getline()
        count = count + 1
        if line == nil or count > 100 then
            refuse(txn, "400 Bad Request")
        end
    until line == "\r\n" or line == "\n"

    host, port = host:gsub("[%[%]]", ""), tonumber(port)
    local address = core.parse_addr(host)
    if address == nil or not is_allowed(address) or not ports[port] then
        refuse(txn, "403 Forbidden")
    end
    txn:set_var("sess.address", host)
    txn:set_var("sess.port", port)
    -- The rules connect after this: a server that is not there shows as a tunnel that ends.
    txn.res:send("HTTP/1.1 200 Connection established\r\n\r\n")
end)
