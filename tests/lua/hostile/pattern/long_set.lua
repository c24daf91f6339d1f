-- ends
function attack() return (("x"):rep(100000):find("[" .. ("a"):rep(1000) .. "]")) end
