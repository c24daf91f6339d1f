-- ends
function attack() return (("a "):rep(100000):find("%f[%a]a%f[b]b")) end
