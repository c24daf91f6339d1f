//! The tests of luaproxy as its users see it.
