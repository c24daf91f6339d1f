-- `socket.http`: requests over HTTP/1.1, one connection for each.
local base64, headers, ltn12 = require("mime").b64, require("socket.headers"), require("ltn12")
local socket, url = require("socket"), require("socket.url")

local concat, find, gsub = table.concat, string.find, string.gsub
local lower, match, pairs, setmetatable = string.lower, string.match, pairs, setmetatable
local tonumber, tostring, type = tonumber, tostring, type

local http = { TIMEOUT = 60, USERAGENT = socket._VERSION }

local PORTS = { http = 80, https = 443 }

-- A server that sends no end of headers is not listened to.
local HEADERS_MAX, LINE_MAX = 1000, 65536

local REDIRECTS_MAX = 5

local function receive_line(connection, try)
    -- `receive` would take a line of any length.
    local line, size = {}, 0
    while true do
        local part, why, partial = connection:receive("*l")
        size = size + #(part or partial or "")
        if size > LINE_MAX then
            return try(nil, "line too long")
        end
        line[#line + 1] = part or partial
        if part then
            return concat(line)
        end
        try(nil, why)
    end
end

local function receive_headers(connection, try, received)
    received = received or {}
    local line = receive_line(connection, try)
    local count = 0
    while line ~= "" do
        local name, value = match(line, "^(.-):%s*(.*)$")
        if not name or name == "" then
            return try(nil, "malformed reponse headers")
        end
        name = lower(name)
        local parts = { value }
        repeat
            count = count + 1
            if count > HEADERS_MAX then
                return try(nil, "too many headers")
            end
            line = receive_line(connection, try)
            -- A line that begins with a space goes on with the one before.
            local goes_on = find(line, "^%s")
            if goes_on then
                parts[#parts + 1] = line
            end
        until not goes_on
        value = concat(parts)
        received[name] = received[name] and received[name] .. ", " .. value or value
    end
    return received
end

-- The body of a message in chunks (RFC 9112 7.1).
socket.sourcet["http-chunked"] = function(connection, trailers)
    local done = false
    return function()
        if done then
            return nil
        end
        local line, why = connection:receive()
        if not line then
            return nil, why
        end
        local size = tonumber(match(line, "^%s*(%x+)"), 16)
        if not size then
            return nil, "invalid chunk size"
        elseif size > 0 then
            local chunk, failed = connection:receive(size)
            if not chunk then
                return nil, failed
            end
            connection:receive()
            return chunk
        end
        done = true
        local ok, failed = socket.protect(function()
            return receive_headers(connection, socket.try, trailers)
        end)()
        if not ok then
            return nil, failed
        end
        return nil
    end
end

socket.sinkt["http-chunked"] = function(connection)
    return function(chunk)
        if not chunk then
            return connection:send("0\r\n\r\n")
        elseif chunk == "" then
            return 1
        end
        return connection:send(("%X\r\n%s\r\n"):format(#chunk, chunk))
    end
end

local function is_clean(text)
    return not find(text, "[\r\n%z]")
end

local function send_headers(connection, try, fields)
    local lines, count = {}, 0
    for name, value in pairs(fields) do
        value = tostring(value)
        if type(name) ~= "string" or not is_clean(name) or not is_clean(value) then
            try(nil, "invalid header")
        end
        count = count + 1
        lines[count] = (headers.canonic[name] or name) .. ": " .. value .. "\r\n"
    end
    lines[count + 1] = "\r\n"
    try(connection:send(concat(lines)))
end

-- Returns what a request is made of, all of it known.
local function adjust(try, request)
    local parsed = request.url and url.parse(request.url, { path = "/", scheme = "http" }) or {}
    local full = setmetatable({}, { __index = request })
    for _, name in pairs({ "scheme", "host", "port", "user", "password", "path", "query", "params", "fragment" }) do
        full[name] = request[name] or parsed[name]
    end
    full.scheme = full.scheme or "http"
    if not PORTS[full.scheme] then
        return try(nil, "unknown scheme '" .. tostring(full.scheme) .. "'")
    elseif not full.host or full.host == "" then
        return try(nil, "invalid host '" .. tostring(full.host) .. "'")
    elseif request.proxy or http.PROXY then
        return try(nil, "proxies are not available")
    end
    full.port = full.port and full.port ~= "" and full.port or PORTS[full.scheme]
    full.method = request.method or "GET"
    full.uri = request.uri or url.build({ params = full.params, path = full.path or "/", query = full.query })
    if not is_clean(full.uri) or find(full.uri, " ", 1, true) or find(full.method, "[^%w_%-]") then
        return try(nil, "invalid request")
    end
    local host = find(full.host, ":", 1, true) and "[" .. full.host .. "]" or full.host
    if tonumber(full.port) ~= PORTS[full.scheme] then
        host = host .. ":" .. full.port
    end
    local fields = { ["user-agent"] = http.USERAGENT, connection = "close, TE", host = host, te = "trailers" }
    if full.user and full.password then
        fields.authorization = "Basic " .. base64(full.user .. ":" .. url.unescape(full.password))
    end
    for name, value in pairs(request.headers or {}) do
        fields[lower(name)] = value
    end
    full.headers = fields
    return full
end

local function open(request, newtry)
    local create = request.create or socket.tcp
    if request.scheme == "https" and not request.create then
        create = require("ssl.https").tcp(request)
    end
    local connection = create(request)
    local try = newtry(function()
        connection:close()
    end)
    connection:settimeout(http.TIMEOUT)
    try(connection:connect(request.host, tonumber(request.port)))
    return connection, try
end

local function receive_status(connection, try)
    local line = receive_line(connection, try)
    local code = match(line, "^HTTP/%d*%.%d* (%d%d%d)")
    if not code then
        -- HTTP/0.9 begins with the body, which nobody wants to guess.
        return try(nil, "invalid status line")
    end
    return tonumber(code), line
end

local function receive_body(connection, try, received, request)
    local encoding, length = received["transfer-encoding"], tonumber(received["content-length"])
    local source
    if encoding and lower(encoding) ~= "identity" then
        source = socket.source("http-chunked", connection, received)
    elseif length then
        source = socket.source("by-length", connection, length)
    else
        source = socket.source("until-closed", connection)
    end
    try(ltn12.pump.all(source, request.sink or ltn12.sink.null(), request.step or ltn12.pump.step))
end

local function has_body(request, code)
    return request.method ~= "HEAD" and code ~= 204 and code ~= 304 and code >= 200
end

local REDIRECTS = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

local function leads_on(request, code, received)
    local location = received.location
    return location and match(location, "%S") and request.redirect ~= false and REDIRECTS[code]
        and (request.method == "GET" or request.method == "HEAD" or code == 303)
        and (request.redirects or 0) < (tonumber(request.maxredirects) or REDIRECTS_MAX)
end

local exchange

local function follow(request, code, location)
    local target = url.absolute(request.url or url.build(request), gsub(location, "%s", ""))
    local old, new = url.parse(request.url or url.build(request)) or {}, url.parse(target) or {}
    local fields = {}
    for name, value in pairs(request.headers) do
        -- What is for one host is for no other.
        local same = old.host == new.host and old.scheme == new.scheme and old.port == new.port
        if name ~= "host" and (same or name ~= "authorization" and name ~= "cookie") then
            fields[name] = value
        end
    end
    local result, status, received, line = exchange({
        create = request.create, headers = fields, maxredirects = request.maxredirects,
        method = code == 303 and request.method ~= "HEAD" and "GET" or request.method,
        redirects = (request.redirects or 0) + 1, sink = request.sink, step = request.step,
        url = target,
    })
    received = received or {}
    received.location = received.location or target
    return result, status, received, line
end

function exchange(request)
    local full = adjust(socket.try, request)
    local connection, try = open(full, socket.newtry)
    if full.source and not full.headers["content-length"] then
        full.headers["transfer-encoding"] = "chunked"
    end
    try(connection:send(full.method .. " " .. full.uri .. " HTTP/1.1\r\n"))
    send_headers(connection, try, full.headers)
    if full.source then
        local is_chunked = full.headers["transfer-encoding"] and not full.headers["content-length"]
        local sink = socket.sink(is_chunked and "http-chunked" or "keep-open", connection)
        try(ltn12.pump.all(full.source, sink, full.step or ltn12.pump.step))
    end
    local code, line = receive_status(connection, try)
    local received = receive_headers(connection, try)
    while code == 100 or code == 102 or code == 103 do
        code, line = receive_status(connection, try)
        received = receive_headers(connection, try)
    end
    if leads_on(full, code, received) then
        connection:close()
        return follow(full, code, received.location)
    end
    if has_body(full, code) then
        receive_body(connection, try, received, full)
    end
    connection:close()
    return 1, code, received, line
end

-- What `request(url [, body])` stands for.
local function simple(target, body)
    local parts = {}
    local request = { sink = ltn12.sink.table(parts), target = parts, url = target }
    if body then
        request.headers = { ["content-length"] = #body, ["content-type"] = "application/x-www-form-urlencoded" }
        request.method, request.source = "POST", ltn12.source.string(body)
    end
    return request
end
http.genericform = simple

http.request = socket.protect(function(request, body)
    if type(request) ~= "string" then
        return exchange(request)
    end
    local generic = simple(request, body)
    local _, code, received, line = exchange(generic)
    return concat(generic.target), code, received, line
end)

return http
