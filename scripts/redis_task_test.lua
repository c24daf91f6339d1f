-- A Redis of our own: it counts, and can be made to fail.
local count, commands = 0, {}
local answers = true

fake_tcp("127.0.0.1:6379", function(socket)
    for command in function() return socket:receive("*l") end do
        commands[#commands + 1] = command
        if not answers then
            return
        end
        count = count + 1
        socket:send(":" .. count .. "\r\n")
    end
end)

load_script("redis_task.lua")

local function visits()
    return transaction():serve("visits").body
end

it("counts every fifth of a second", function()
    clock.advance(0.1)
    expect(visits()).to_be("visits: 1\n")
    clock.advance(1)
    expect(visits()).to_be("visits: 6\n")
    expect(commands[1]).to_be("INCR visits")
end)

it("says so when Redis hangs up", function()
    answers = false
    clock.advance(1)
    expect(visits()).to_be("visits: not known: closed\n")
end)

it("recovers", function()
    answers = true
    clock.advance(1)
    expect(visits()).to_match("^visits: %d+\n$")
end)
