-- killed: cpu-max
function attack() return (("a"):rep(200000):find(".*b")) end
