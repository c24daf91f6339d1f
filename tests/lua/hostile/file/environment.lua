-- returns: granted nil nil
-- policy: env GRANTED
function attack()
    return tostring(os.getenv("GRANTED")) .. " " .. tostring(os.getenv("SECRET")) .. " " .. tostring(os.getenv("PATH"))
end
