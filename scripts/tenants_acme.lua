-- A tenant's policy: it greets by the path, and knows one variable of the environment.
core.register_fetches("greet", function(txn)
    return (os.getenv("GREETING") or "hello") .. " " .. txn.sf:path():sub(2)
end)
