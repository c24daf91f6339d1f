-- ends
function attack(txn)
    for _, text in ipairs({ "a\r\nb: c", "\0", "\r", "\n", "", " ", ":", "a b", "content-length", "transfer-encoding",
        "host", "connection", "upgrade", ("x"):rep(70000), "\255\254" }) do
        for _, method in ipairs({ "req_set_header", "req_add_header", "req_del_header" }) do
            pcall(txn.http[method], txn.http, text, text)
        end
        pcall(txn.http.req_rep_header, txn.http, text, "(", text)
        pcall(txn.http.req_rep_value, txn.http, text, "((((a*)*)*)*)b", text)
        pcall(txn.http.req_set_uri, txn.http, text) pcall(txn.http.req_set_path, txn.http, text)
        pcall(txn.http.req_set_query, txn.http, text) pcall(txn.http.req_set_method, txn.http, text)
    end
    return "done"
end
