-- killed: cpu-max
function attack() return (("a"):rep(5000):find(".*.*b")) end
