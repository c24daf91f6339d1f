-- killed: cpu-max
function attack() return (("a"):rep(60):match(("(a*)"):rep(20) .. "b")) end
