-- ends | service
function attack(applet) return nil end
