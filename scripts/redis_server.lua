-- A small server of Redis' protocol as a TCP service: strings with a time to live, in memory.

-- What a client may send and keep.
local MAX_ARGUMENTS, MAX_LENGTH, MAX_KEYS = 64, 4096, 10000

-- All connections share these: the service runs in one state.
local values, expiry, count = {}, {}, 0

local function forget(key)
    if values[key] ~= nil then
        values[key], expiry[key], count = nil, nil, count - 1
        return true
    end
    return false
end

local function find(key)
    if expiry[key] and expiry[key] <= core.now().sec then
        forget(key)
    end
    return values[key]
end

local function keep(key, value)
    if values[key] == nil then
        if count >= MAX_KEYS then
            return "-OOM there are too many keys\r\n"
        end
        count = count + 1
    end
    values[key] = value
    return "+OK\r\n"
end

local function bulk(text)
    return text and "$" .. #text .. "\r\n" .. text .. "\r\n" or "$-1\r\n"
end

local function integer(number)
    return (":%d\r\n"):format(number)
end

-- The commands: how many arguments each takes, and what it answers.
local commands = {
    PING = { 0, 1, function(text) return text and bulk(text) or "+PONG\r\n" end },
    ECHO = { 1, 1, bulk },
    GET = { 1, 1, function(key) return bulk(find(key)) end },
    SET = { 2, 4, function(key, value, option, seconds)
        if option ~= nil then
            seconds = tonumber(seconds)
            if option:upper() ~= "EX" or not seconds or seconds < 1 or seconds % 1 ~= 0 then
                return "-ERR syntax error\r\n"
            end
        end
        find(key)
        local answer = keep(key, value)
        if values[key] == value then
            expiry[key] = seconds and core.now().sec + seconds
        end
        return answer
    end },
    DEL = { 1, MAX_ARGUMENTS, function(...)
        local gone = 0
        for _, key in ipairs({ ... }) do
            if find(key) and forget(key) then
                gone = gone + 1
            end
        end
        return integer(gone)
    end },
    EXISTS = { 1, 1, function(key) return integer(find(key) and 1 or 0) end },
    INCR = { 1, 1, function(key)
        local number = tonumber(find(key) or "0")
        if not number or number % 1 ~= 0 or math.abs(number) >= 2 ^ 53 - 1 then
            return "-ERR value is not an integer or out of range\r\n"
        end
        local answer = keep(key, ("%d"):format(number + 1))
        return answer == "+OK\r\n" and integer(number + 1) or answer
    end },
    TTL = { 1, 1, function(key)
        if not find(key) then
            return integer(-2)
        end
        return integer(expiry[key] and expiry[key] - core.now().sec or -1)
    end },
    DBSIZE = { 0, 0, function() return integer(count) end },
    -- What redis-cli asks for when it starts.
    COMMAND = { 0, MAX_ARGUMENTS, function() return "*0\r\n" end },
}

-- Reads a line, without its end. One that is longer than any of the protocol is an error.
local function line(applet)
    local text = applet:getline()
    if text == nil or text == "" then
        return nil
    end
    text = text:match("^(.*)\r?\n$")
    return text and text:gsub("\r$", "")
end

-- Reads a command: its words, nil at the end, or nil and what is wrong.
local function read(applet)
    local head = line(applet)
    if head == nil then
        return nil
    end
    local length = tonumber(head:match("^%*(%d+)$"))
    if not length then
        -- As a person types it.
        local words = {}
        for word in head:gmatch("%S+") do
            words[#words + 1] = word
        end
        return words
    elseif length > MAX_ARGUMENTS then
        return nil, "too many arguments"
    end
    local words = {}
    for i = 1, length do
        local size = tonumber((line(applet) or ""):match("^%$(%d+)$"))
        if not size or size > MAX_LENGTH then
            return nil, "invalid bulk length"
        end
        local text = applet:receive(size + 2)
        if text == nil or #text < size + 2 then
            return nil
        end
        words[i] = text:sub(1, size)
    end
    return words
end

core.register_service("redis", "tcp", function(applet)
    while true do
        local words, wrong = read(applet)
        if words == nil then
            if wrong then
                applet:send("-ERR Protocol error: " .. wrong .. "\r\n")
            end
            return
        end
        local name = (words[1] or ""):upper()
        local command = commands[name]
        if name == "QUIT" then
            applet:send("+OK\r\n")
            return
        elseif name == "" then
            -- An empty line is nothing.
        elseif command == nil then
            applet:send("-ERR unknown command\r\n")
        elseif #words - 1 < command[1] or #words - 1 > command[2] then
            applet:send("-ERR wrong number of arguments\r\n")
        else
            applet:send(command[3](table.unpack(words, 2)))
        end
    end
end)
