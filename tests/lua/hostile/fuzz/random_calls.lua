-- ends | action fetch converter service
-- Every function that can be reached, called with arguments drawn at random, again and again.
-- policy: cpu-max 400ms
local seed = 7
local function below(n)
    seed = (seed * 16807) % 2147483647
    return seed % n + 1
end

local STAY = { sleep = true, msleep = true, done = true, register_task = true, wait = true,
    receive = true, getline = true, get = true, dup = true, line = true, data = true, connect = true }
local TEXTS = { "", "x", "\0", "%", "(", "a,b", "127.0.0.1", "txn.v", "*a", ("x"):rep(5000), "\255\254", "-1", "1e999" }
local NUMBERS = { 0, 1, -1, 2 ^ 31, -2 ^ 31, 2 ^ 53, 1e300, 0 / 0, 1 / 0, 0.5, 255, 65536 }

local function reachable(from)
    local functions, objects, seen, queue = {}, {}, {}, from
    while #queue > 0 and #objects < 3000 do
        local item = table.remove(queue)
        if not seen[item] then
            seen[item] = true
            if type(item) == "function" then functions[#functions + 1] = item else objects[#objects + 1] = item end
            local ok, mt = pcall(getmetatable, item)
            if ok and type(mt) == "table" then queue[#queue + 1] = mt end
            for name, value in next, type(item) == "table" and item or {} do
                if not STAY[name] and (type(value) == "table" or type(value) == "function" or type(value) == "userdata") then
                    queue[#queue + 1] = value
                end
            end
        end
    end
    return functions, objects
end

function attack(first)
    local functions, objects = reachable({ _G, first, type(first) == "table" and first.f or nil,
        core.tcp and core.tcp(), core.concat and core.concat() })
    local function argument()
        local kind = below(7)
        if kind == 1 then return TEXTS[below(#TEXTS)] end
        if kind == 2 then return NUMBERS[below(#NUMBERS)] end
        if kind == 3 then return objects[below(#objects)] end
        if kind == 4 then return functions[below(#functions)] end
        if kind == 5 then return { below(9), TEXTS[below(#TEXTS)] } end
        if kind == 6 then return coroutine.create(function(...) return ... end) end
    end
    -- The harness must stay whole, and this function is not to call itself.
    local pcall, spared = pcall, { [rawset] = true, [setmetatable] = true, [attack] = true, [error] = true,
        [collectgarbage] = true, [load] = true, [coroutine.yield] = true }
    for _ = 1, 30000 do
        local f = functions[below(#functions)]
        if not spared[f] then
            local own = objects[below(#objects)]
            pcall(f, own, argument(), argument(), argument())
            pcall(f, argument(), argument())
        end
    end
    return "done"
end
