-- `ltn12`: sources, sinks, filters and pumps, as LTN012 describes them.
local assert, insert, remove = assert, table.insert, table.remove
local select, sub, type, unpack = select, string.sub, type, unpack

local filter, pump, sink, source = {}, {}, {}, {}
local ltn12 = {
    BLOCKSIZE = 2048, _VERSION = "LTN12 1.0.3",
    filter = filter, pump = pump, sink = sink, source = source,
}

-- A filter of a function that takes what is left over, a chunk and a parameter.
function filter.cycle(low, left, parameter)
    assert(low)
    return function(chunk)
        local out
        out, left = low(left, chunk, parameter)
        return out
    end
end

local function chain_two(first, second)
    return function(chunk)
        local out = first(chunk)
        if chunk == nil then
            -- The end: what the first still holds goes through the second before it ends too.
            if out == nil or out == "" then
                return second(nil)
            end
            local rest = second(out)
            return (rest or "") .. (second(nil) or "")
        end
        return second(out or "")
    end
end

function filter.chain(...)
    local whole = (...)
    for index = 2, select("#", ...) do
        whole = chain_two(whole, (select(index, ...)))
    end
    return whole
end

local function nothing()
    return nil
end

function source.empty()
    return nothing
end

function source.error(why)
    return function()
        return nil, why
    end
end

function source.string(text)
    if not text then
        return nothing
    end
    local at = 1
    return function()
        local chunk = sub(text, at, at + ltn12.BLOCKSIZE - 1)
        at = at + ltn12.BLOCKSIZE
        return chunk ~= "" and chunk or nil
    end
end

function source.table(list)
    assert(type(list) == "table")
    local at = 0
    return function()
        at = at + 1
        return list[at]
    end
end

function source.file(file, why)
    if not file then
        return source.error(why or "unable to open file")
    end
    return function()
        local chunk = file:read(ltn12.BLOCKSIZE)
        if not chunk then
            file:close()
        end
        return chunk
    end
end

-- A source may return the source that takes its place.
function source.simplify(src)
    assert(src)
    return function()
        local chunk, other = src()
        src = chunk and other or src
        if not chunk then
            return nil, other
        end
        return chunk
    end
end

function source.rewind(src)
    assert(src)
    local back = {}
    return function(chunk)
        if chunk then
            insert(back, chunk)
            return nil
        end
        chunk = remove(back)
        if chunk then
            return chunk
        end
        return src()
    end
end

local function chain_source(src, low)
    local ended, why = false, nil
    return function()
        while not ended do
            local chunk
            chunk, why = src()
            if why then
                ended = true
                return nil, why
            end
            ended = chunk == nil
            local out = low(chunk)
            if out and (out ~= "" or not ended) then
                return out
            end
        end
        return nil, why
    end
end

function source.chain(src, ...)
    for index = 1, select("#", ...) do
        src = chain_source(src, (select(index, ...)))
    end
    return src
end

function source.cat(...)
    local list = { ... }
    return function()
        while list[1] do
            local chunk, why = list[1]()
            if chunk or why then
                return chunk, why
            end
            remove(list, 1)
        end
    end
end

local function discard()
    return 1
end

function sink.null()
    return discard
end

function sink.error(why)
    return function()
        return nil, why
    end
end

function sink.table(list)
    list = list or {}
    return function(chunk)
        if chunk then
            list[#list + 1] = chunk
        end
        return 1
    end, list
end

function sink.file(file, why)
    if not file then
        return sink.error(why or "unable to open file")
    end
    return function(chunk)
        if chunk then
            return file:write(chunk)
        end
        file:close()
        return 1
    end
end

function sink.simplify(snk)
    assert(snk)
    return function(chunk, why)
        local ok, other = snk(chunk, why)
        if not ok then
            return nil, other
        end
        snk = other or snk
        return 1
    end
end

function sink.chain(low, ...)
    local list = { low, ... }
    local snk = remove(list)
    low = filter.chain(unpack(list))
    return function(chunk, why)
        if chunk == "" then
            return 1
        end
        local out = low(chunk)
        if out and out ~= "" then
            local ok, other = snk(out, why)
            if not ok then
                return nil, other
            end
        end
        if chunk == nil then
            return snk(nil, why)
        end
        return 1
    end
end

-- Moves one chunk; the sink sees the end, or the error, too.
function pump.step(src, snk)
    local chunk, source_error = src()
    local ok, sink_error = snk(chunk, source_error)
    if chunk and ok then
        return 1
    end
    return nil, source_error or sink_error
end

function pump.all(src, snk, step)
    assert(src and snk)
    step = step or pump.step
    while true do
        local ok, why = step(src, snk)
        if not ok then
            if why then
                return nil, why
            end
            return 1
        end
    end
end

return ltn12
