-- A SOCKS5 server (RFC 1928, RFC 1929) as an action: it talks with the client, says where to go in
-- two variables, and the rules after it send the connection there.

-- Set both to want a name and a password from each client.
local user, password = os.getenv("SOCKS_USER"), os.getenv("SOCKS_PASSWORD")

-- Where clients may go. A proxy that goes anywhere is everybody's.
local networks = {}
for text in (os.getenv("SOCKS_ALLOW") or "127.0.0.0/8"):gmatch("%S+") do
    networks[#networks + 1] = core.parse_addr(text) or error("SOCKS_ALLOW: no network: " .. text)
end

local VERSION = "\5"
local SUCCEEDED, NOT_ALLOWED, NO_COMMAND, NO_ADDRESS = "\0", "\2", "\7", "\8"

-- Takes so many bytes from the client, waiting until they are there. Ends all if it has gone.
local function take(txn, count)
    local taken = ""
    while #taken < count do
        local data = txn.req:get()
        if data == "" and txn.req:may_recv() then
            -- HAProxy 2.6 does not always wait for the bytes.
            core.msleep(1)
        elseif data == nil or data == "" then
            txn:done()
        else
            taken = taken .. data
        end
    end
    -- What came early is for the next who takes, in the end for the server.
    if #taken > count then
        txn.req:set(taken:sub(count + 1))
    end
    return taken:sub(1, count)
end

-- Chooses how the client shows who it is, and lets it: RFC 1928 3, RFC 1929.
local function is_known(txn)
    local head = take(txn, 2)
    if head:sub(1, 1) ~= VERSION then
        return false
    end
    local methods = take(txn, head:byte(2))
    local method = user and password and "\2" or "\0"
    if not methods:find(method, 1, true) then
        txn.res:send(VERSION .. "\255")
        return false
    end
    txn.res:send(VERSION .. method)
    if method == "\0" then
        return true
    end
    take(txn, 1)
    local name = take(txn, take(txn, 1):byte())
    local secret = take(txn, take(txn, 1):byte())
    local right = name == user and secret == password
    txn.res:send("\1" .. (right and "\0" or "\1"))
    return right
end

-- Reads the request; returns the address and the port, or the code of what is wrong.
local function request(txn)
    local head = take(txn, 4)
    local command, kind = head:byte(2), head:byte(4)
    local address
    if kind == 1 then
        address = ("%d.%d.%d.%d"):format(take(txn, 4):byte(1, 4))
    elseif kind == 4 then
        local words = { take(txn, 16):byte(1, 16) }
        for i = 1, 8 do
            words[i] = ("%x"):format(words[2 * i - 1] * 256 + words[2 * i])
        end
        address = table.concat(words, ":", 1, 8)
    elseif kind == 3 then
        -- A name would have to be resolved: a client that can should do it (curl --socks5).
        take(txn, take(txn, 1):byte())
    else
        return nil, NO_ADDRESS
    end
    local high, low = take(txn, 2):byte(1, 2)
    if command ~= 1 then
        return nil, NO_COMMAND
    elseif address == nil then
        return nil, NO_ADDRESS
    end
    return address, high * 256 + low
end

local function is_allowed(address)
    local parsed = core.parse_addr(address)
    for _, network in ipairs(networks) do
        if parsed and core.match_addr(parsed, network) then
            return true
        end
    end
    return false
end

core.register_action("socks5", { "tcp-req" }, function(txn)
    -- `txn:done` ends the connection when all that was sent has gone out.
    if not is_known(txn) then
        txn:done()
    end
    local address, port = request(txn)
    local code = SUCCEEDED
    if address == nil then
        code = port
    elseif not is_allowed(address) then
        code = NOT_ALLOWED
    end
    -- The rules connect after this: a server that is not there shows as a connection that ends.
    txn.res:send(VERSION .. code .. "\0\1\0\0\0\0\0\0")
    if code ~= SUCCEEDED then
        txn:done()
    end
    txn:set_var("sess.address", address)
    txn:set_var("sess.port", port)
end)
