-- killed: cpu-max | converter fetch
function attack(text) return (("a"):rep(200000):match(".-.-b")) end
