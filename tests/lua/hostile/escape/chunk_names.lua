-- error: boom
-- No name that a script gives to a chunk is taken for one of the host's.
function attack()
    local f = load("local f = ... while true do f() end", "=[luaproxy]") or error("boom")
    f(function() error("boom") end)
end
