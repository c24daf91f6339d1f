-- ends
function attack() return (("("):rep(200000):find("%b()")) end
