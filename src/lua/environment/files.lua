-- `io` for a tenant that is granted a folder: a file is what was read when it was opened.
local open = ...

local error, find, floor, gsub = error, string.find, math.floor, string.gsub
local select, setmetatable, sub = select, setmetatable, string.sub
local tonumber, tostring, type = tonumber, tostring, type

local files = setmetatable({}, { __mode = "k" })
local methods = {}

local function content(self, name)
    local file = files[self]
    if not file then
        error("bad argument #1 to '" .. name .. "' (FILE* expected)", 3)
    elseif not file.text then
        error("attempt to use a closed file", 3)
    end
    return file
end

local function read_line(file, keep)
    local text, at = file.text, file.at
    if at > #text then
        return nil
    end
    local last = find(text, "\n", at, true) or #text + 1
    file.at = last + 1
    return sub(text, at, keep and last or last - 1)
end

local function read_one(file, format)
    local text, at = file.text, file.at
    if type(format) == "number" then
        if at > #text then
            return nil
        end
        file.at = at + format
        return sub(text, at, at + format - 1)
    end
    format = gsub(format, "^%*", "")
    local kind = sub(format, 1, 1)
    if kind == "l" or kind == "L" then
        return read_line(file, kind == "L")
    elseif kind == "a" then
        file.at = #text + 1
        return sub(text, at)
    elseif kind == "n" then
        local _, last, digits = find(text, "^%s*([-+]?[%w.]+)", at)
        file.at = last and last + 1 or at
        return tonumber(digits)
    end
    error("bad argument #1 to 'read' (invalid format)", 3)
end

local function read_all(file, count, format, ...)
    if count == 0 then
        return
    end
    local value = read_one(file, format)
    if value == nil or count == 1 then
        return value
    end
    return value, read_all(file, count - 1, ...)
end

function methods:read(...)
    local file = content(self, "read")
    if select("#", ...) == 0 then
        return read_line(file)
    end
    return read_all(file, select("#", ...), ...)
end

function methods:lines(format)
    local file = content(self, "lines")
    return function()
        return read_one(file, format or "l")
    end
end

function methods:seek(whence, offset)
    local file = content(self, "seek")
    local from = whence == "set" and 0 or whence == "end" and #file.text or file.at - 1
    local at = from + floor(offset or 0)
    if at < 0 then
        return nil, "Invalid argument", 22
    end
    file.at = at + 1
    return at
end

function methods:close()
    content(self, "close").text = nil
    return true
end

local file_mt = { __index = methods, __metatable = false }

local function new_file(text)
    local file = setmetatable({}, file_mt)
    files[file] = { text = text, at = 1 }
    return file
end

return {
    lines = function(name, format)
        local text, why = open(name)
        if not text then
            error(why, 2)
        end
        return new_file(text):lines(format)
    end,
    open = function(name, mode)
        if mode ~= nil and mode ~= "r" and mode ~= "rb" then
            return nil, tostring(name) .. ": Permission denied", 13
        end
        local text, why = open(name)
        if not text then
            return nil, why, 2
        end
        return new_file(text)
    end,
    type = function(value)
        local file = files[value]
        return file and (file.text and "file" or "closed file") or nil
    end,
}
