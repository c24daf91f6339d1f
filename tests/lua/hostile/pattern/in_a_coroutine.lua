-- killed: cpu-max
function attack()
    coroutine.wrap(function() return (("a"):rep(100000):match(".*.*b")) end)()
end
