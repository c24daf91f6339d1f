-- `socket.url`: addresses of RFC 3986, taken apart and put together.
local byte, char, concat, find, format = string.byte, string.char, table.concat, string.find, string.format
local gmatch = string.gmatch
local gsub, ipairs, match, pairs, sub = string.gsub, ipairs, string.match, pairs, string.sub
local tonumber, type = tonumber, type

local url = { _VERSION = "URL 1.0.3" }

local function hex(c)
    return format("%%%02x", byte(c))
end

function url.escape(text)
    return (gsub(text, "([^A-Za-z0-9_])", hex))
end

function url.unescape(text)
    return (gsub(text, "%%(%x%x)", function(digits)
        return char(tonumber(digits, 16))
    end))
end

-- What a segment of a path may hold as it is.
local function escape_segment(text)
    return (gsub(text, "([^A-Za-z0-9_%-%.!~%*'%(%):@&=%+%$,])", function(c)
        return format("%%%02X", byte(c))
    end))
end

function url.parse(text, default)
    local parsed = {}
    for name, value in pairs(default or {}) do
        parsed[name] = value
    end
    if not text or text == "" then
        return nil, "invalid url"
    end
    local function take(name, pattern)
        text = gsub(text, pattern, function(value)
            parsed[name] = value
            return ""
        end, 1)
    end
    take("scheme", "^([%w][%w%+%-%.]*)%:")
    take("authority", "^//([^/%?#]*)")
    take("fragment", "#(.*)$")
    take("query", "%?(.*)")
    take("params", "%;(.*)")
    if text ~= "" then
        parsed.path = text
    end
    local authority = parsed.authority
    if not authority then
        return parsed
    end
    local userinfo, rest = match(authority, "^([^@]*)@(.*)$")
    if userinfo then
        parsed.userinfo, authority = userinfo, rest
    end
    local before, port = match(authority, "^(.*):([^:%]]*)$")
    if before then
        parsed.port, authority = port, before
    end
    if authority ~= "" then
        parsed.host = match(authority, "^%[(.+)%]$") or authority
    end
    if parsed.userinfo then
        local user, password = match(parsed.userinfo, "^([^:]*):(.*)$")
        parsed.user, parsed.password = user or parsed.userinfo, password
    end
    return parsed
end

function url.build(parsed)
    local text = parsed.path or ""
    if parsed.params then
        text = text .. ";" .. parsed.params
    end
    if parsed.query then
        text = text .. "?" .. parsed.query
    end
    local authority = parsed.authority
    if parsed.host then
        authority = parsed.host
        if find(authority, ":", 1, true) then
            authority = "[" .. authority .. "]"
        end
        if parsed.port then
            authority = authority .. ":" .. parsed.port
        end
        local userinfo = parsed.userinfo
        if parsed.user then
            userinfo = parsed.user
            if parsed.password then
                userinfo = userinfo .. ":" .. parsed.password
            end
        end
        if userinfo then
            authority = userinfo .. "@" .. authority
        end
    end
    if authority then
        text = "//" .. authority .. text
    end
    if parsed.scheme then
        text = parsed.scheme .. ":" .. text
    end
    if parsed.fragment then
        text = text .. "#" .. parsed.fragment
    end
    return text
end

-- RFC 3986 5.2.4
local function without_dots(path)
    local out, absolute = {}, sub(path, 1, 1) == "/"
    local is_folder = match(path, "/%.%.?$") ~= nil or sub(path, -1) == "/" or path == "." or path == ".."
    for part in gmatch(path, "[^/]+") do
        if part == ".." and (#out > 0 and out[#out] ~= "..") then
            out[#out] = nil
        elseif part ~= "." and not (part == ".." and absolute) then
            out[#out + 1] = part
        end
    end
    local text = (absolute and "/" or "") .. concat(out, "/")
    if is_folder and #out > 0 then
        text = text .. "/"
    end
    return text
end

local function absolute_path(base, relative)
    if sub(relative, 1, 1) == "/" then
        return without_dots(relative)
    end
    return without_dots(gsub(base, "[^/]*$", "") .. relative)
end

function url.absolute(base, relative)
    local base_parsed = base
    if type(base) == "table" then
        base = url.build(base)
    else
        base_parsed = url.parse(base)
    end
    local parsed = url.parse(relative)
    if not base_parsed then
        return relative
    elseif not parsed then
        return base
    elseif parsed.scheme then
        return relative
    end
    parsed.scheme = base_parsed.scheme
    if not parsed.authority then
        parsed.authority = base_parsed.authority
        if not parsed.path then
            parsed.path = base_parsed.path
            if not parsed.params then
                parsed.params = base_parsed.params
                parsed.query = parsed.query or base_parsed.query
            end
        else
            parsed.path = absolute_path(base_parsed.path or "/", parsed.path)
        end
    end
    return url.build(parsed)
end

function url.parse_path(path)
    local parsed = {}
    path = path or ""
    for segment in gmatch(path, "([^/]+)") do
        parsed[#parsed + 1] = url.unescape(segment)
    end
    if sub(path, 1, 1) == "/" then
        parsed.is_absolute = 1
    end
    if sub(path, -1, -1) == "/" then
        parsed.is_directory = 1
    end
    return parsed
end

function url.build_path(parsed, unsafe)
    local parts = {}
    for index, segment in ipairs(parsed) do
        parts[index] = unsafe and segment or escape_segment(segment)
    end
    local path = concat(parts, "/")
    if #parts > 0 and parsed.is_directory then
        path = path .. "/"
    end
    return (parsed.is_absolute and "/" or "") .. path
end

return url
