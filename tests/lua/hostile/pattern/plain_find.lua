-- ends
-- The square of the length where each place is compared.
function attack()
    local a = ("a"):rep(1024 * 1024)
    return (a:find(("a"):rep(512 * 1024) .. "b", 1, true))
end
