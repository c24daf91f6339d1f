load_script("hello_world.lua")

it("the service says hello", function()
    local response = transaction({ path = "/anything" }):serve("hello_world")
    expect(response.status).to_be(200)
    expect(response.headers["content-length"]).to_be("12")
    expect(response.body).to_be("hello world\n")
end)

it("the function of 2015 says it to a TCP client", function()
    local txn = transaction({ mode = "tcp", open = true })
    hello_world(txn)
    expect(txn:output()).to_be("hello world\n")
end)
