-- A reputation of addresses: a task fetches a list again and again, and keeps a map in step with it.
-- The rules read the map without any script.
--
-- A line of the list is an address or a network, and a score: `192.0.2.0/24 80`.

local map = "scripts/ip_reputation.map"
local source = os.getenv("REPUTATION") or "127.0.0.1:8000"
local host, port = source:match("^([%d.]+):(%d+)$")
local interval = tonumber(os.getenv("REPUTATION_INTERVAL") or 60000)

-- More than this is no list.
local MAX_LENGTH, MAX_ENTRIES = 1024 * 1024, 10000

-- What the map has: each network with its score.
local known = {}

local function fetch(socket)
    socket:settimeout(5)
    local ok, err = socket:connect(host, tonumber(port))
    if not ok then
        return nil, err
    end
    socket:send("GET /reputation.txt HTTP/1.0\r\nhost: " .. source .. "\r\n\r\n")
    local status = socket:receive("*l") or ""
    if not status:match("^HTTP/1%.%d 200") then
        return nil, "the answer is '" .. status .. "'"
    end
    local length
    repeat
        local line = socket:receive("*l")
        if line == nil then
            return nil, "the answer is cut off"
        end
        line = line:gsub("\r$", "")
        length = tonumber(line:lower():match("^content%-length:%s*(%d+)$")) or length
    until line == ""
    if not length or length > MAX_LENGTH then
        return nil, "the answer has no length that is right"
    end
    local body = length == 0 and "" or socket:receive(length)
    if body == nil or #body < length then
        return nil, "the answer is cut off"
    end
    return body
end

local function parse(text)
    local scores, count = {}, 0
    for line in text:gmatch("[^\r\n]+") do
        local network, score = line:match("^%s*([%x.:]+/?%d*)%s+(%d+)%s*$")
        if network and core.parse_addr(network) then
            count = count + 1
            if count > MAX_ENTRIES then
                return nil, "the list is too long"
            end
            scores[network] = score
        elseif not line:match("^%s*#") then
            core.Debug("reputation: not a line of a list: " .. line:sub(1, 40))
        end
    end
    return scores
end

-- Changes what has changed, so that the map is never without what stays.
local function apply(scores)
    for network, score in pairs(scores) do
        if known[network] ~= score then
            core.set_map(map, network, score)
        end
    end
    for network in pairs(known) do
        if scores[network] == nil then
            core.del_map(map, network)
        end
    end
    known = scores
end

core.register_task(function()
    while true do
        local socket = core.tcp()
        local text, err = fetch(socket)
        socket:close()
        local scores
        if text then
            scores, err = parse(text)
        end
        if scores then
            apply(scores)
        else
            -- The old list is better than none.
            core.Warning("reputation: " .. tostring(err))
        end
        core.msleep(interval)
    end
end)
