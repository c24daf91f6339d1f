-- ends | service
-- policy: cpu-max 200ms
function attack(applet)
    if applet.start_response then
        applet:set_status(200)
        applet:start_response()
        for _ = 1, 1000 do applet:send(("x"):rep(100000)) end
    end
    return "done"
end
