-- Writes down all that scripts reach from some roots: a line for each value, with the shortest way
-- to it. What only the host's own functions hold follows, as far as it is C.
local debug, roots = ...

local lines, seen, queue = {}, {}, {}

local function add(way, value, held)
    local kind = type(value)
    if kind ~= "table" and kind ~= "function" and kind ~= "userdata" and kind ~= "thread" then
        if not held then
            lines[#lines + 1] = way .. ": " .. kind
        end
    elseif not seen[value] then
        seen[value] = true
        queue[#queue + 1] = { way, value, held }
    end
end

-- What can be held without being reached waits until all that is reached has been seen.
local later = {}

local function names(t)
    local list = {}
    for key in next, t do
        list[#list + 1] = key
    end
    table.sort(list, function(a, b)
        return tostring(a) < tostring(b)
    end)
    return list
end

local function describe(value)
    local kind = type(value)
    if kind == "function" then
        local info = debug.getinfo(value, "S")
        return info.what == "C" and "function of C" or "function of " .. info.short_src
    end
    local mt = debug.getmetatable(value)
    if not mt then
        return kind
    end
    return kind .. (getmetatable(value) == mt and ", metatable" or ", metatable hidden")
end

local function visit(way, value, held)
    local what = describe(value)
    if not held or what == "function of C" then
        lines[#lines + 1] = way .. ": " .. what
    end
    local mt = debug.getmetatable(value)
    if type(value) == "table" then
        for _, key in ipairs(names(value)) do
            local name = type(key) == "string" and way .. "." .. key or way .. "[" .. type(key) .. "]"
            if type(key) == "number" then
                name = way .. "[" .. key .. "]"
            end
            add(name, rawget(value, key), held)
        end
    elseif type(value) == "function" then
        for index = 1, 255 do
            local name, upvalue = debug.getupvalue(value, index)
            if not name then
                break
            end
            later[#later + 1] = { way .. "^" .. (name == "" and index or name), upvalue }
        end
    end
    if type(value) == "function" or type(value) == "userdata" or type(value) == "thread" then
        local env = debug.getfenv(value)
        if env ~= _G then
            later[#later + 1] = { way .. "^environment", env }
        end
    end
    -- Fields of a hidden metatable count as reached: many of them are, as methods.
    if mt then
        add(way .. "{}", mt, held)
    end
end

for _, name in ipairs(names(roots)) do
    add(name, roots[name])
end
add("string", string)
add('""{}', debug.getmetatable(""))
local first, section = 1, false
repeat
    while queue[first] do
        visit(unpack(queue[first], 1, 3))
        first = first + 1
    end
    if not section then
        section = #lines
    end
    local waiting = later
    later = {}
    for _, held in ipairs(waiting) do
        add(held[1], held[2], true)
    end
until not queue[first]

local reached, inside = {}, {}
for index, line in ipairs(lines) do
    local part = index <= section and reached or inside
    part[#part + 1] = line
end
table.sort(reached)
table.sort(inside)
return table.concat(reached, "\n"), table.concat(inside, "\n")
