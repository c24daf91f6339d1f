-- An exporter for Prometheus: what the proxies and servers have counted, as text for its scraper.

-- A name of ours, the type and help that Prometheus wants, and the column of `get_stats`.
local metrics = {
    { "sessions_current", "gauge", "Sessions that are open now.", "scur" },
    { "sessions_total", "counter", "Sessions so far.", "stot" },
    { "bytes_in_total", "counter", "Bytes from clients.", "bin" },
    { "bytes_out_total", "counter", "Bytes to clients.", "bout" },
    { "requests_denied_total", "counter", "Requests that rules have denied.", "dreq" },
    { "request_errors_total", "counter", "Requests that were none.", "ereq" },
    { "connection_errors_total", "counter", "Connections to servers that failed.", "econ" },
    { "response_errors_total", "counter", "Answers of servers that were none.", "eresp" },
    { "queue_current", "gauge", "Requests that wait for a server.", "qcur" },
}

local codes = { "1xx", "2xx", "3xx", "4xx", "5xx", "other" }

-- What stands in a label, quoted as the format wants it.
local function label(name, value)
    return name .. '="' .. tostring(value):gsub('[\\"\n]', { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }) .. '"'
end

-- All rows in an order that stays: their labels and their columns.
local function rows()
    local found = {}
    local function add(kind, object, labels)
        found[#found + 1] = { kind = kind, labels = labels, stats = object:get_stats() }
    end
    for name, proxy in pairs(core.frontends) do
        add("frontend", proxy, label("proxy", name))
    end
    for name, proxy in pairs(core.backends) do
        add("backend", proxy, label("proxy", name))
        for server_name, server in pairs(proxy.servers) do
            add("server", server, label("proxy", name) .. "," .. label("server", server_name))
        end
    end
    table.sort(found, function(a, b)
        return a.kind .. a.labels < b.kind .. b.labels
    end)
    return found
end

local function exposition()
    local out, all = {}, rows()
    local function metric(name, kind, help, list)
        if #list > 0 then
            out[#out + 1] = "# HELP " .. name .. " " .. help
            out[#out + 1] = "# TYPE " .. name .. " " .. kind
            out[#out + 1] = table.concat(list, "\n")
        end
    end
    for _, kind in ipairs({ "frontend", "backend", "server" }) do
        for _, row in ipairs(metrics) do
            local name, list = "luaproxy_" .. kind .. "_" .. row[1], {}
            for _, found in ipairs(all) do
                local value = found.kind == kind and tonumber(found.stats[row[4]])
                if value then
                    list[#list + 1] = ("%s{%s} %d"):format(name, found.labels, value)
                end
            end
            metric(name, row[2], row[3], list)
        end
        local name, list = "luaproxy_" .. kind .. "_responses_total", {}
        for _, found in ipairs(all) do
            for _, code in ipairs(codes) do
                local value = found.kind == kind and tonumber(found.stats["hrsp_" .. code])
                if value then
                    list[#list + 1] = ("%s{%s,code=\"%s\"} %d"):format(name, found.labels, code, value)
                end
            end
        end
        metric(name, "counter", "Answers by the class of their status.", list)
    end
    return table.concat(out, "\n") .. "\n"
end

core.register_service("metrics", "http", function(applet)
    local body = exposition()
    applet:set_status(200)
    applet:add_header("content-type", "text/plain; version=0.0.4")
    applet:add_header("content-length", tostring(#body))
    applet:start_response()
    applet:send(body)
end)
