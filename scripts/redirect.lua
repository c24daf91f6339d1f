-- A sample fetch: a value that rules can use, computed by a script.

-- `%[lua.hello]` in a rule calls this function. What it returns is the sample.
core.register_fetches("hello", function(txn)
    return "hello"
end)

-- A fetch may look at the request and take arguments: `%[lua.place(en,/)]`.
-- What comes from a client has no place in a redirect unless it was checked.
core.register_fetches("place", function(txn, default, separator)
    local language = txn.sf:req_hdr("accept-language"):match("^(%a%a)")
    return separator .. (language or default) .. separator
end)
