-- ends | service
function attack(applet)
    if not applet.start_response then return end
    for status = -1, 1000, 77 do pcall(applet.set_status, applet, status, "a\r\nb: c") end
    for _ = 1, 3 do pcall(applet.start_response, applet) pcall(applet.send, applet, "x") end
    pcall(applet.receive, applet, -1) pcall(applet.receive, applet, 2 ^ 53) pcall(applet.getline, applet)
    pcall(applet.add_header, applet, "content-length", "-5")
end
