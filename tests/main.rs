//! The tests of luaproxy as its users see it: one binary, its cases data in tables.
//!
//! Each module has `trials()`, which returns its cases as `libtest_mimic::Trial`s. A case whose
//! peer (the oracle, a client, a server) is not installed is registered as ignored, so that it is
//! counted as skipped and never as passed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by panicking, prints, has threads of its own and looks at the clock"
)]

mod cli;
mod command;
mod config;
mod document;
mod example;
mod h2;
mod link;
mod load;
mod lua;
mod proxy;
mod sample;
mod support;
mod tidy;
mod tls;

use libtest_mimic::Arguments;

fn main() {
    keep_servers_quiet();
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    trials.extend(cli::trials());
    trials.extend(command::trials());
    trials.extend(config::trials());
    trials.extend(document::trials());
    trials.extend(example::trials());
    trials.extend(h2::trials());
    trials.extend(link::trials());
    trials.extend(load::trials());
    trials.extend(lua::trials());
    trials.extend(proxy::trials());
    trials.extend(sample::trials());
    trials.extend(tidy::trials());
    trials.extend(tls::trials());
    if !arguments.list {
        support::peer::announce();
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// A server of a test may well be cut off in the middle of a message: that is no news.
fn keep_servers_quiet() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(support::origin::THREAD) {
            usual(panic);
        }
    }));
}
