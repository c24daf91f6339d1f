//! The workers: threads that share nothing, the signals that end them, and what they accept.

pub mod accept;
mod fleet;
mod rescue;
pub mod service;
mod signal;
mod stop;

#[cfg(test)]
mod exchange_tests;
#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod tests;

pub use fleet::Fleet;
pub use fleet::Notice;
pub use fleet::Options;
pub use fleet::STACK;
pub use fleet::Worker;
pub use fleet::run;
pub use stop::Level;
pub use stop::Open;
pub use stop::Stop;
pub use stop::Streams;
