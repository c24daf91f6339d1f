-- Listens to LuaJIT's compiler: which traces it made, and where it gave up.
local attach, util, words = ...

local format, ipairs, pairs, sort, sub, type = string.format, ipairs, pairs, table.sort, string.sub, type

-- Of each place where a trace was begun: how often, whether it was compiled, and why not.
local begun, start, count = {}, nil, 0

local function place(func, pc)
    local info = util.funcinfo(func, pc)
    if info.loc then
        -- LuaJIT shortens what is long.
        local source, line = info.source, info.currentline
        return source and line and sub(source, 1, 1) == "@" and sub(source, 2) .. ":" .. line or info.loc
    elseif info.ffid then
        return words.ffnames[info.ffid] or "a builtin"
    end
    return "a function of C"
end

local function why(code, detail)
    if type(code) ~= "number" then
        return tostring(code)
    end
    local text = words.traceerr[code] or "error " .. code
    if type(detail) == "function" then
        detail = place(detail)
    elseif text:find("bytecode %s", 1, true) then
        detail = sub(words.bcnames, detail * 6 + 1, detail * 6 + 6):gsub(" ", "")
    end
    return text:find("%", 1, true) and format(text, detail) or text
end

local function listen(what, trace, func, pc, code, detail)
    if what == "start" then
        local where = place(func, pc)
        start = begun[where] or { aborts = {} }
        begun[where] = start
    elseif what == "stop" and start then
        start.compiled = true
        count = count + 1
    elseif what == "abort" and start then
        local reason = place(func, pc) .. ": " .. why(code, detail)
        start.aborts[reason] = (start.aborts[reason] or 0) + 1
    elseif what == "flush" then
        begun, start, count = {}, nil, 0
    end
end

local tools = {}

function tools.watch(on)
    if not attach or not util then
        return
    end
    begun, start, count = {}, nil, 0
    if on then
        attach(listen, "trace")
    else
        attach(listen)
    end
end

-- How many traces there are, and of the places that have none, why.
function tools.traces()
    local reasons = {}
    for _, from in pairs(begun) do
        for reason, times in pairs(from.compiled and {} or from.aborts) do
            reasons[reason] = (reasons[reason] or 0) + times
        end
    end
    local list = {}
    for reason, times in pairs(reasons) do
        -- The host's own lines are nobody's to change.
        if sub(reason, 1, 11) ~= "[luaproxy]:" then
            list[#list + 1] = times > 1 and reason .. " (" .. times .. " times)" or reason
        end
    end
    sort(list)
    return count, list
end

return tools
