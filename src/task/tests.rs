//! Tests of the executor and its queue.

use std::cell::Cell;
use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use crate::clock;
use crate::net::timer;
use crate::net::timer::Elapsed;
use crate::task::scheduler::Local;

use super::*;

thread_local! {
    static METER: Cell<u64> = const { Cell::new(0) };
}

/// Costs a task of a test so much, without taking the time.
fn work(nanoseconds: u64) {
    METER.set(METER.get() + nanoseconds);
}

fn run<F: Future>(future: F) -> F::Output {
    Local::current().set_meter(|| METER.get());
    block_on(future).unwrap()
}

#[test]
fn tasks_run_and_give_their_output() {
    let outputs = run(async {
        let tasks: Vec<Task<u32>> = (0..1000)
            .map(|number| {
                spawn(async move {
                    yield_now().await;
                    number
                })
            })
            .collect();
        let mut outputs = Vec::new();
        for task in tasks {
            outputs.push(task.await.unwrap());
        }
        outputs
    });
    assert_eq!(outputs, (0..1000).collect::<Vec<u32>>());
}

#[test]
fn equal_tasks_take_turns() {
    let order = Rc::new(RefCell::new(Vec::new()));
    run(async {
        let tasks: Vec<Task<()>> = (0..3)
            .map(|number| {
                let order = Rc::clone(&order);
                spawn(async move {
                    for _ in 0..3 {
                        order.borrow_mut().push(number);
                        work(1000);
                        yield_now().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(*order.borrow(), [0, 1, 2, 0, 1, 2, 0, 1, 2]);
}

/// Runs two busy tasks until the first has done `turns`, and returns what the second did.
fn compare(first: i32, second: i32, turns: u32) -> u32 {
    let done = Rc::new(Cell::new(0));
    let count = Rc::clone(&done);
    run(async move {
        let other = spawn_nice(second, async move {
            loop {
                work(1_000_000);
                count.set(count.get() + 1);
                yield_now().await;
            }
        });
        let counted = spawn(async move {
            set_nice(first);
            for _ in 0..turns {
                work(1_000_000);
                yield_now().await;
            }
        });
        counted.await.unwrap();
        drop(other);
    });
    done.get()
}

#[test]
fn niceness_shares_the_time_and_starves_nobody() {
    let nice = compare(-1024, 1024, 1600);
    assert!((95..=105).contains(&nice), "{nice}");
    let nice = compare(1024, -1024, 100);
    assert!((1500..=1700).contains(&nice), "{nice}");
    let nice = compare(0, 0, 500);
    assert!((498..=502).contains(&nice), "{nice}");
}

#[test]
fn niceness_is_of_the_task_is_inherited_and_is_clamped() {
    run(async {
        let outer = spawn(async {
            set_nice(5000);
            let seen = nice();
            yield_now().await;
            (seen, nice(), spawn(async { nice() }).await)
        });
        let other = spawn(async { nice() });
        assert_eq!(outer.await, Some((1024, 1024, Some(1024))));
        assert_eq!(other.await, Some(0));
        assert_eq!(spawn_nice(-9999, async { nice() }).await, Some(-1024));
    });
}

#[test]
fn a_dropped_handle_ends_its_task_and_a_detached_one_goes_on() {
    struct Flag(Rc<Cell<bool>>);
    impl Drop for Flag {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let gone = Rc::new(Cell::new(false));
    let done = Rc::new(Cell::new(false));
    run(async {
        let flag = Flag(Rc::clone(&gone));
        let task = spawn(async move {
            let _flag = flag;
            pending::<()>().await;
        });
        yield_now().await;
        drop(task);
        let done = Rc::clone(&done);
        spawn(async move { done.set(true) }).detach();
        timer::sleep(Duration::from_millis(1)).await;
    });
    assert!(gone.get() && done.get());
}

#[test]
fn the_executors_end_drops_every_task() {
    let gone = Rc::new(());
    let seen = Rc::downgrade(&gone);
    run(async {
        for _ in 0..10 {
            let held = Rc::clone(&gone);
            spawn(async move {
                timer::sleep(Duration::from_secs(3600)).await;
                drop(held);
            })
            .detach();
        }
        yield_now().await;
        drop(gone);
    });
    assert_eq!(seen.strong_count(), 0);
}

#[test]
fn a_panic_ends_its_task_alone() {
    run(async {
        spawn(async { panic!("wanted by a test") }).detach();
        yield_now().await;
        assert_eq!(spawn(async { 1 }).await, Some(1));
    });
}

#[test]
fn timers_wake_in_order_and_limit_what_takes_too_long() {
    let order = Rc::new(RefCell::new(Vec::new()));
    run(async {
        let start = clock::now();
        let tasks: Vec<Task<()>> = [30, 10, 20]
            .map(|ms| {
                let order = Rc::clone(&order);
                spawn(async move {
                    timer::sleep(Duration::from_millis(ms)).await;
                    order.borrow_mut().push(ms);
                })
            })
            .into();
        for task in tasks {
            task.await.unwrap();
        }
        assert!(clock::now() - start >= Duration::from_millis(30));
        let limited = timer::timeout(Duration::from_millis(1), pending::<()>()).await;
        assert_eq!(limited, Err(Elapsed));
        assert_eq!(timer::timeout(Duration::from_secs(3600), async { 7 }).await, Ok(7));
    });
    assert_eq!(*order.borrow(), [10, 20, 30]);
}

#[test]
fn other_threads_wake_a_parked_executor() {
    run(async {
        for round in 0..50 {
            let (sender, receiver) = smol::channel::bounded(1);
            let waiting = spawn(async move { receiver.recv().await });
            let other = thread::spawn(move || sender.send_blocking(round).unwrap());
            assert_eq!(waiting.await, Some(Ok(round)));
            other.join().unwrap();
        }
    });
}

#[test]
fn calls_from_other_threads_run_here_until_the_end() {
    let executor = Executor::new().unwrap();
    let remote = executor.remote();
    let here = thread::current().id();
    executor.run(async {
        let (sender, receiver) = smol::channel::bounded(1);
        let remote = remote.clone();
        let other = thread::spawn(move || {
            remote.post(Box::new(move || sender.try_send(thread::current().id()).unwrap()))
        });
        assert_eq!(receiver.recv().await, Ok(here));
        assert!(other.join().unwrap());
    });
    drop(executor);
    assert!(!remote.post(Box::new(|| {})));
}

#[test]
fn a_task_woken_after_the_end_by_another_thread_does_no_harm() {
    let (sender, receiver) = smol::channel::bounded::<()>(1);
    run(async move {
        spawn(async move { receiver.recv().await }).detach();
        yield_now().await;
    });
    thread::spawn(move || assert!(sender.try_send(()).is_err())).join().unwrap();
}

#[test]
fn one_executor_may_wait_inside_another() {
    run(async {
        let outer = spawn(async {
            let value = block_on(async {
                let task = spawn(async {
                    timer::sleep(Duration::from_millis(1)).await;
                    3
                });
                task.await
            });
            value.unwrap()
        });
        assert_eq!(outer.await, Some(Some(3)));
    });
}
