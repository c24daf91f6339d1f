-- ends | service
function attack(applet)
    for i = 1, 1e6 do applet:add_header("x-" .. i, ("y"):rep(1000)) end
    return "done"
end
