-- Values as text: the same for the same value, keys in order.
local getmetatable, ipairs, next, sort, tostring, type = getmetatable, ipairs, next, table.sort, tostring, type
local concat = table.concat

local function order(one, other)
    if type(one) == type(other) and (type(one) == "number" or type(one) == "string") then
        return one < other
    end
    return type(one) .. tostring(one) < type(other) .. tostring(other)
end

local show

local function show_table(value, indent, seen)
    if seen[value] then
        return "{ its own outer table }"
    end
    seen[value] = true
    local keys, parts = {}, {}
    for key in next, value do
        keys[#keys + 1] = key
    end
    sort(keys, order)
    local deeper = indent .. "    "
    for _, key in ipairs(keys) do
        local name = type(key) == "string" and key:match("^[%a_][%w_]*$") or "[" .. show(key, deeper, seen) .. "]"
        parts[#parts + 1] = deeper .. name .. " = " .. show(value[key], deeper, seen) .. ",\n"
    end
    seen[value] = nil
    return #parts == 0 and "{}" or "{\n" .. concat(parts) .. indent .. "}"
end

function show(value, indent, seen)
    if type(value) == "string" then
        return (("%q"):format(value):gsub("\\\n", "\\n"):gsub("\r", "\\r"):gsub("%z", "\\0"))
    elseif type(value) == "table" and not (getmetatable(value) or {}).__tostring then
        return show_table(value, indent, seen)
    end
    return tostring(value)
end

return function(value)
    return show(value, "", {})
end
