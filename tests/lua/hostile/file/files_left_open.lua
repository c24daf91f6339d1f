-- ends
-- policy: read-dir data
function attack()
    files = files or {}
    for i = 1, 10000 do
        local file = io.open("large.txt")
        if not file then break end
        files[#files + 1] = file
    end
    return #files
end
