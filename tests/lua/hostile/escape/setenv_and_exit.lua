-- returns: alive
function attack()
    pcall(function() os.exit(1) end) pcall(function() os.exit(true, true) end)
    pcall(function() os.execute("kill $PPID") end)
    return "alive"
end
