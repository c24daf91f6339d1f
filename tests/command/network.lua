-- exit 0
-- says 5 tests: 5 passed
local function get(host, port, text)
    local socket = core.tcp()
    local ok, why = socket:connect(host, port)
    if not ok then
        return why
    end
    socket:send(text)
    return socket:receive("*a")
end

it("plays a server of HTTP", function()
    local requests = fake_http("192.0.2.9:80", function(request)
        return { status = 201, headers = { ["X-Path"] = request.path }, body = request.body:upper() }
    end)
    local text = "POST /a HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    local answer = get("192.0.2.9", 80, text)
    expect(answer).to_match("^HTTP/1.1 201 ").to_contain("X-Path: /a").to_match("\r\n\r\nABCDE$")
    expect(#requests).to_be(1)
    expect(requests[1].headers.host).to_be("x")
end)

it("refuses what nobody plays, also of the test before", function()
    expect(get("192.0.2.9", 80, "")).to_be("connection refused")
    expect(get("127.0.0.1", 1, "")).to_be("connection refused")
end)

it("plays a server that says nothing, within its time", function()
    fake_tcp("unix@/nowhere", function(socket) core.sleep(60) socket:send("late") end)
    local socket = core.tcp()
    socket:settimeout(5)
    socket:connect("unix@/nowhere")
    local before = clock.now()
    expect(select(2, socket:receive("*a"))).to_be("timeout")
    expect(clock.now() - before).to_be_near(5, 0.01)
end)

it("moves the clock", function()
    clock.set(86400 * 365)
    expect(os.date("!%Y-%m-%d")).to_be("1971-01-01")
    local log = {}
    for delay = 3, 1, -1 do
        core.register_task(function() core.sleep(delay) log[#log + 1] = delay end)
    end
    clock.advance(2)
    expect(log).to_equal({ 1, 2 })
    expect(os.time()).to_be(86400 * 365 + 2)
    expect(core.now().sec).to_be(86400 * 365 + 2)
end)

it("sees variables, addresses and bodies", function()
    local txn = transaction({
        method = "POST", path = "/p?a=1", body = "text", src = "203.0.113.5:99", version = "1.0",
        vars = { ["txn.user"] = "ann", ["sess.n"] = 5 },
        headers = { { "X-B", "2" }, { "X-A", "1" }, cookie = { "a=1", "b=2" } },
    })
    expect(txn.f:src() .. ":" .. txn.f:src_port()).to_be("203.0.113.5:99")
    expect(txn:get_var("txn.user")).to_be("ann")
    expect(txn:get_var("sess.n")).to_be(5)
    expect(txn.f:url_param("a")).to_be("1")
    expect(txn.f:req_body()).to_be("text")
    expect(txn.f:req_ver()).to_be("1.0")
    expect(txn.f:req_hdr_names(",")).to_be("x-b,x-a,cookie,cookie")
end)
