-- ends
-- The usual trim on what a client sends.
function attack() return #((" "):rep(8192) .. "x"):gsub("%s+$", "") end
