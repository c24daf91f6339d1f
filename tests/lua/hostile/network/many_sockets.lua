-- returns: 5
-- policy: connect-allow ${origin}
-- policy: connections-max 5
function attack()
    local kept, count = {}, 0
    for i = 1, 50 do
        local ok, s = pcall(core.tcp)
        local connected = ok and select(2, pcall(s.connect, s, ORIGIN_HOST, ORIGIN_PORT))
        if connected == 1 or connected == true then count = count + 1 end
        kept[i] = s
    end
    return count
end
