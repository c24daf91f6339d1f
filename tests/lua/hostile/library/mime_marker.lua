-- error: eol: the result is too long
-- policy: cpu-max 400ms
function attack()
    -- A long marker for each line end: a small text would become one that nobody has room for.
    return #require("mime").eol(0, ("\n"):rep(20), ("x"):rep(1000000))
end
