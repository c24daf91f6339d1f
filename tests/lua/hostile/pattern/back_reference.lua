-- killed: cpu-max
function attack() return (("a"):rep(50000):find("(a*)(a*)%1%2b")) end
