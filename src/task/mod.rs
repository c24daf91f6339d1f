//! Tasks of a worker: spawning, yielding, niceness, and the loop that runs them.
//!
//! A task lives on the thread that spawned it, and need not be `Send`. Knows no stream and no
//! script.

mod blocking;
mod executor;
mod queue;
mod scheduler;

#[cfg(test)]
mod io_tests;
#[cfg(test)]
mod tests;

pub use blocking::unblock;
pub use executor::Executor;
pub use executor::block_on;
pub use executor::yield_last;
pub use executor::yield_now;
pub use scheduler::NICE_MAX;
pub use scheduler::NICE_MIN;
pub use scheduler::Remote;
pub use scheduler::Task;
pub use scheduler::go_last;
pub use scheduler::is_running;
pub use scheduler::nice;
pub use scheduler::set_nice;
pub use scheduler::spawn;
pub use scheduler::spawn_nice;
