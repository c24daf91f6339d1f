-- ends
-- The parser takes the square of the number of terms.
function attack() return load("return a" .. (" or a"):rep(200000)) end
