-- ends | fetch
function attack(txn) txn:done() return "x" end
