-- ends
function attack()
    pcall(collectgarbage, "stop") pcall(collectgarbage, "setpause", 100000) pcall(collectgarbage, "setstepmul", 1)
    for i = 1, 1e6 do local _ = { i, {} } end
    return "done"
end
