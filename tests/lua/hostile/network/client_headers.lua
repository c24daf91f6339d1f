-- returns: false false false false false
-- policy: connect-allow ${origin}
function attack()
    local client, url = core.httpclient(), "http://" .. ORIGIN_HOST .. ":" .. ORIGIN_PORT .. "/"
    local seen = {}
    for i, options in ipairs({
        { url = url, headers = { ["x-a"] = { "1\r\nx-b: 2" } } },
        { url = url, headers = { ["x-a: 1\r\nx-b"] = "2" } },
        { url = url, headers = { [""] = "2" } },
        { url = url .. " HTTP/1.1\r\nx-b: 2\r\n\r\n" },
        { url = url, method = "GET / HTTP/1.1\r\nx-b" },
    }) do
        seen[i] = tostring((pcall(client.request, client, options)))
    end
    return table.concat(seen, " ")
end
