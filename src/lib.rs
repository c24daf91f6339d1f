//! luaproxy: HAProxy's configuration and Lua, rebuilt in Rust on LuaJIT.
//!
//! # Layers
//!
//! Each module uses only modules of lower layers; modules of one layer are strangers to each other.
//! `tests/tidy.rs` reads this table and enforces it.
//!
//! | layer | modules | what |
//! | --- | --- | --- |
//! | 0 | diag, clock | what is wrong and where; what time it is |
//! | 1 | syntax, value, net, http, dialect | text to words; typed values; sockets, reactor; HTTP messages; the text of scripts |
//! | 2 | log, task | levels and sinks, takes bytes, knows no samples; the executor of a worker |
//! | 3 | proxy | state of frontends, backends, servers: balance, pools, counters |
//! | 4 | txn | what rules can see and change: plain data, variables, channels |
//! | 5 | script | the trait to Lua, and the ids of what scripts registered |
//! | 6 | sample | fetches, converters, ACLs, maps, log-format |
//! | 7 | rule | conditions, actions, rule sets |
//! | 7 | admin | the commands of the runtime API |
//! | 8 | program | a compiled configuration: proxies paired with their rule sets |
//! | 9 | compile, stream | builds a program; runs one |
//! | 10 | lua | states, preemption, the Lua API |
//! | 11 | worker | threads, accept, signals, stop |
//! | 12 | cli | arguments and exit status |

pub mod admin;
pub mod cli;
pub mod clock;
pub mod compile;
pub mod diag;
pub mod dialect;
pub mod http;
pub mod log;
pub mod lua;
pub mod net;
pub mod program;
pub mod proxy;
pub mod rule;
pub mod sample;
pub mod script;
pub mod stream;
pub mod syntax;
pub mod task;
pub mod txn;
pub mod value;
pub mod worker;
