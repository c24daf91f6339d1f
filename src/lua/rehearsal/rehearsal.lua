-- What scripts find in a rehearsal beside the API. Runs once in the state, before any script.
local host = ...

local error, ipairs, loadfile, pairs, pcall, tonumber, type = error, ipairs, loadfile, pairs, pcall, tonumber, type
local floor, time, write_date = math.floor, os.time, os.date
local msleep, tcp = core.msleep, core.tcp

-- The clock stands still but for what waits: a test that sleeps takes no time.
clock = {}

function clock.now()
    return host.date()
end

function clock.set(seconds)
    host.set_date(seconds)
end

-- What is due until then happens on the way, in its order.
function clock.advance(seconds)
    msleep(floor(seconds * 1000 + 0.5))
    host.settle()
end

function os.time(fields)
    return fields and time(fields) or floor(host.date())
end

function os.date(format, seconds)
    return write_date(format, seconds or floor(host.date()))
end

-- Exchanges
local methods = { "action", "answer", "end_input", "feed", "fetch", "output", "respond", "serve" }

function transaction(fields)
    local ok, txn = pcall(host.transaction, fields or {})
    if not ok then
        error(txn, 2)
    end
    for _, name in ipairs(methods) do
        txn[name] = host[name]
    end
    return txn
end

convert = host.convert
logged = host.heard

-- Servers
local accept = host.accept

local function listen(address, run)
    local ok, why = pcall(host.server, address, function(incoming)
        local socket = tcp()
        accept(incoming, socket)
        run(socket)
        socket:close()
    end)
    if not ok then
        error(why, 3)
    end
end

function fake_tcp(address, run)
    if type(run) ~= "function" then
        error("'fake_tcp' takes a function behind the address, not " .. type(run), 2)
    end
    listen(address, run)
end

local function read_head(socket)
    local line = socket:receive("*l")
    if not line then
        return
    end
    local request = { headers = {}, body = "" }
    request.method, request.path, request.version = line:match("^(%S+) (%S+) HTTP/(%S+)$")
    if not request.method then
        error("fake_http: '" .. line .. "' is no request line", 0)
    end
    for header in function() return socket:receive("*l") end do
        if header == "" then
            return request
        end
        local name, value = header:match("^([^:]+):%s*(.-)%s*$")
        name = (name or header):lower()
        local before = request.headers[name]
        request.headers[name] = before and before .. ", " .. value or value or ""
    end
end

local function read_chunks(socket)
    local parts = {}
    while true do
        local size = tonumber((socket:receive("*l") or "0"):match("^%x+") or "0", 16)
        if size == 0 then
            -- Trailers, and the line that ends them.
            repeat
                local line = socket:receive("*l")
            until not line or line == ""
            return table.concat(parts)
        end
        parts[#parts + 1] = socket:receive(size)
        socket:receive("*l")
    end
end

local function read_request(socket)
    local request = read_head(socket)
    if not request then
        return
    end
    local length = tonumber(request.headers["content-length"])
    if (request.headers["transfer-encoding"] or ""):find("chunked", 1, true) then
        request.body = read_chunks(socket)
    elseif length and length > 0 then
        request.body = socket:receive(length)
    end
    return request
end

local function send_response(socket, request, response)
    local body = response.body or ""
    local status = response.status or 200
    local lines = { ("HTTP/1.1 %d %s"):format(status, response.reason or "") }
    local given = {}
    for name, value in pairs(response.headers or {}) do
        given[name:lower()] = true
        for _, one in ipairs(type(value) == "table" and value or { value }) do
            lines[#lines + 1] = name .. ": " .. one
        end
    end
    if not given["content-length"] and not given["transfer-encoding"] and status ~= 204 and status ~= 304 then
        lines[#lines + 1] = "content-length: " .. #body
    end
    if request.method == "HEAD" then
        body = ""
    end
    socket:send(table.concat(lines, "\r\n") .. "\r\n\r\n" .. body)
end

-- A server of HTTP: `answer` is the response, or a function that makes it of the request. Returns
-- the list of the requests that came.
function fake_http(address, answer)
    if type(answer) ~= "function" and type(answer) ~= "table" then
        error("'fake_http' takes a function or a table behind the address, not " .. type(answer), 2)
    end
    local requests = {}
    listen(address, function(socket)
        for request in function() return read_request(socket) end do
            requests[#requests + 1] = request
            local response = answer
            if type(answer) == "function" then
                response = answer(request)
            end
            if type(response) ~= "table" then
                -- It hangs up, as servers may.
                return
            end
            send_response(socket, request, response)
            if (request.headers.connection or ""):lower() == "close" or request.version == "1.0" then
                return
            end
        end
    end)
    return requests
end

-- Loads a script below the folder of the file that asks.
function load_script(name, ...)
    if name:sub(1, 1) ~= "/" then
        local folder = debug.getinfo(2, "S").source:match("^@(.*/)") or ""
        name = folder .. name
    end
    local chunk, why = loadfile(name)
    if not chunk then
        error(why, 2)
    end
    return chunk(...)
end
