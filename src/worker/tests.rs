//! Tests of the fleet.

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;

use crate::net::Addr;
use crate::net::Listener;
use crate::net::Stream;
use crate::net::addr;
use crate::net::addr::Spec;
use crate::net::listener;
use crate::net::listener::Bound;
use crate::task;
use crate::worker::accept::Gate;

use super::*;

const QUIET: Options = Options { signals: false };

fn bound() -> (Bound, SocketAddr) {
    let spec = Spec::parse("127.0.0.1:0", &addr::BIND).unwrap();
    let options = listener::Options::default();
    let bound = listener::bind(&spec, &options, 1).unwrap().remove(0).remove(0);
    let Addr::Inet(addr) = *bound.addr() else { panic!("not of the Internet") };
    (bound, addr)
}

async fn echo(stream: Stream, open: Open, gate: Gate) {
    let mut buffer = [0; 100];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    drop(open);
    gate.resume();
}

/// Runs one worker that echoes, and calls `client` beside it.
fn with_server(gate: fn(&Streams) -> Gate, client: impl FnOnce(SocketAddr, Fleet) + Send) {
    let (bound, addr) = bound();
    thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        scope.spawn(move || client(addr, told.recv().unwrap()));
        let serve = &|worker: Worker, bound| {
            tell.send(worker.fleet().clone()).unwrap();
            async move {
                let (streams, listener) = (worker.streams(), Listener::new(bound).unwrap());
                let gate = gate(streams);
                let done = accept::serve(listener, worker.stop(), &gate, |stream, _| {
                    task::spawn(echo(stream, streams.open(), gate.clone())).detach();
                });
                done.await.unwrap();
            }
        };
        run(vec![bound], QUIET, serve, serve, |_| {}).unwrap();
    });
}

fn ask(stream: &mut TcpStream) -> std::io::Result<usize> {
    stream.write_all(b"x")?;
    stream.read(&mut [0; 1])
}

#[test]
fn a_soft_stop_closes_the_listener_and_waits_for_open_streams() {
    with_server(
        |_| Gate::open(),
        |addr, fleet| {
            let mut open = TcpStream::connect(addr).unwrap();
            assert_eq!(ask(&mut open).unwrap(), 1);
            fleet.stop(Level::Soft);
            // A connection may be in the backlog when the listener is closed, and is reset then.
            while TcpStream::connect(addr).is_ok() {}
            assert_eq!(fleet.level(), Level::Soft);
            assert_eq!(ask(&mut open).unwrap(), 1);
        },
    );
}

#[test]
fn a_hard_stop_ends_open_streams() {
    with_server(
        |_| Gate::open(),
        |addr, fleet| {
            let mut open = TcpStream::connect(addr).unwrap();
            assert_eq!(ask(&mut open).unwrap(), 1);
            fleet.stop(Level::Soft);
            fleet.stop(Level::Hard);
            assert!(!matches!(open.read(&mut [0; 1]), Ok(1)));
        },
    );
}

#[test]
fn a_gate_holds_connections_back_until_one_ends() {
    with_server(
        |streams| {
            let streams = streams.clone();
            Gate::new(move || streams.count() < 1)
        },
        |addr, fleet| {
            let mut first = TcpStream::connect(addr).unwrap();
            assert_eq!(ask(&mut first).unwrap(), 1);
            let mut second = TcpStream::connect(addr).unwrap();
            second.write_all(b"x").unwrap();
            second.set_nonblocking(true).unwrap();
            assert_eq!(ask(&mut first).unwrap(), 1);
            let early = second.read(&mut [0; 1]).unwrap_err();
            assert_eq!(early.kind(), std::io::ErrorKind::WouldBlock);
            drop(first);
            second.set_nonblocking(false).unwrap();
            assert_eq!(second.read(&mut [0; 1]).unwrap(), 1);
            drop(second);
            fleet.stop(Level::Soft);
        },
    );
}

#[test]
fn workers_reach_each_other() {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let main = &|worker: Worker, seed: usize| {
        let count = Arc::clone(&count);
        async move {
            assert_eq!(worker.index(), seed);
            if seed == 0 {
                worker.fleet().post_all(move || {
                    count.fetch_add(1, Ordering::Relaxed);
                });
                assert!(!worker.fleet().post(9, Box::new(|| {})));
                worker.fleet().stop(Level::Soft);
            }
            worker.stop().soft().await;
        }
    };
    run(vec![0, 1, 2], QUIET, main, main, |_| {}).unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), 3);
}

#[test]
fn a_worker_that_panics_is_reported() {
    let main = &|worker: Worker, fails: bool| async move {
        assert!(!fails, "wanted by a test");
        worker.fleet().stop(Level::Hard);
        worker.stop().soft().await;
    };
    assert!(run(vec![false, true], QUIET, main, main, |_| {}).is_err());
}

#[test]
fn signals_stop_softly_then_at_once() {
    let (tell, asked) = mpsc::channel();
    let main = &|worker: Worker, (): ()| async move {
        let raise = |signal| rustix::process::kill_process(rustix::process::getpid(), signal);
        raise(rustix::process::Signal::HUP).unwrap();
        raise(rustix::process::Signal::USR1).unwrap();
        worker.stop().soft().await;
        let open = worker.streams().open();
        raise(rustix::process::Signal::USR1).unwrap();
        worker.stop().hard().await;
        drop(open);
    };
    let notice = move |notice| tell.send(notice).unwrap();
    run(vec![()], Options { signals: true }, main, main, notice).unwrap();
    let mut asked: Vec<Notice> = asked.iter().collect();
    // The kernel may deliver the first two in either order.
    asked.sort_by_key(|Notice::Signal { name, .. }| *name);
    let want = [
        Notice::Signal { name: "SIGHUP", asks: None },
        Notice::Signal { name: "SIGUSR1", asks: Some(Level::Soft) },
        Notice::Signal { name: "SIGUSR1", asks: Some(Level::Hard) },
    ];
    assert_eq!(asked, want);
}

#[test]
fn others_stand_in_for_a_worker_that_is_stuck() {
    let rescue = rescue::Rescue::new(3);
    rescue.offer(0, vec!["own"]);
    rescue.offer(1, vec!["a", "b"]);
    let entered = std::cell::RefCell::new(Vec::new());
    let mut standing_in = std::pin::pin!(rescue.stand_in(0, |door| {
        entered.borrow_mut().push(*door);
        Leaves(&entered)
    }));
    let mut go_on = || {
        let poll = futures_lite::future::poll_once(standing_in.as_mut());
        assert!(futures_lite::future::block_on(poll).is_none());
        entered.take()
    };
    assert!(go_on().is_empty());
    rescue.set_stuck(0, true);
    rescue.set_stuck(1, true);
    assert_eq!(go_on(), ["a", "b"]);
    rescue.set_stuck(2, true);
    rescue.set_stuck(9, true);
    assert!(go_on().is_empty());
    rescue.set_stuck(1, false);
    assert_eq!(go_on(), ["left", "left"]);
}

/// Says that a door has been left.
struct Leaves<'a>(&'a std::cell::RefCell<Vec<&'static str>>);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().push("left");
    }
}
