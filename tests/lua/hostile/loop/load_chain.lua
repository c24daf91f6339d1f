-- killed: cpu-max
source = "return load(source)()"
function attack() return load(source)() end
