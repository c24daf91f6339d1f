-- exit 2
-- says body.lua:4: no script of mine
-- says 0 tests
error("no script of mine")
