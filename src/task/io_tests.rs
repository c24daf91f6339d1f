//! Sockets, as tasks use them.

use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use futures_lite::AsyncReadExt;
use futures_lite::AsyncWriteExt;

use crate::net::Addr;
use crate::net::Datagram;
use crate::net::Listener;
use crate::net::Stream;
use crate::net::addr;
use crate::net::addr::Family;
use crate::net::addr::Spec;
use crate::net::connect;
use crate::net::listener;
use crate::net::listener::Bound;
use crate::net::resolve;
use crate::net::timer;

use super::*;

fn spec(text: &str) -> Spec {
    Spec::parse(text, &addr::BIND).unwrap()
}

fn bind(text: &str) -> Bound {
    listener::bind(&spec(text), &listener::Options::default(), 1).unwrap().remove(0).remove(0)
}

/// Serves connections until the executor ends: sends back what comes.
fn echo(bound: Bound) -> Addr {
    let listener = Listener::new(bound).unwrap();
    let addr = listener.addr().clone();
    spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            spawn(async move {
                let mut buffer = [0; 1000];
                loop {
                    match stream.read(&mut buffer).await.unwrap() {
                        0 => return,
                        count => stream.write_all(&buffer[..count]).await.unwrap(),
                    }
                }
            })
            .detach();
        }
    })
    .detach();
    addr
}

async fn connect(addr: &Addr) -> Stream {
    Stream::connect(addr, &connect::Options::default()).await.unwrap()
}

async fn check_echo(addr: Addr) {
    let clients: Vec<Task<()>> = (0..100u8)
        .map(|number| {
            let addr = addr.clone();
            spawn(async move {
                let stream = connect(&addr).await;
                for round in 0..10 {
                    let sent = vec![number.wrapping_add(round); 3000];
                    stream.write_all(&sent).await.unwrap();
                    let mut back = vec![0; sent.len()];
                    (&stream).read_exact(&mut back).await.unwrap();
                    assert!(back == sent);
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}

#[test]
fn many_connections_echo_over_tcp() {
    block_on(async {
        check_echo(echo(bind("127.0.0.1:0"))).await;
        check_echo(echo(bind("[::1]:0"))).await;
    })
    .unwrap();
}

#[test]
fn many_connections_echo_over_unix() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("echo.sock");
    block_on(async {
        check_echo(echo(bind(path.to_str().unwrap()))).await;
        check_echo(echo(bind(&format!("abns@luaproxy-test-{}", std::process::id())))).await;
    })
    .unwrap();
    assert!(!path.exists(), "the path goes with the listener");
}

#[test]
fn a_unix_socket_gets_its_mode_and_leaves_the_path_of_its_successor() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sock");
    let options = listener::Options { mode: Some(0o600), ..listener::Options::default() };
    let spec = spec(path.to_str().unwrap());
    let first = listener::bind(&spec, &options, 2).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let second = listener::bind(&spec, &options, 1).unwrap();
    drop(first);
    assert!(path.exists());
    drop(second);
    assert!(!path.exists());
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_large_transfer_passes_in_both_directions_at_once() {
    const SIZE: usize = 4 << 20;
    block_on(async {
        let (left, right) = Stream::pair().unwrap();
        let peer = spawn(async move {
            let (mut reader, mut writer) = (&right, &right);
            futures_lite::io::copy(&mut reader, &mut writer).await.unwrap();
            writer.close().await.unwrap();
        });
        let send = async {
            left.write_all(&vec![7; SIZE]).await.unwrap();
            left.shutdown_write().unwrap();
        };
        let receive = async {
            let mut all = Vec::new();
            (&left).read_to_end(&mut all).await.unwrap();
            all
        };
        let ((), all) = futures_lite::future::zip(send, receive).await;
        assert!(all == vec![7; SIZE]);
        peer.await.unwrap();
    })
    .unwrap();
}

#[test]
fn workers_share_the_port_that_the_first_was_given() {
    let all = listener::bind(&spec("127.0.0.1:0"), &listener::Options::default(), 3).unwrap();
    let addrs: Vec<&Addr> = all.iter().map(|worker| worker[0].addr()).collect();
    assert_eq!(addrs.len(), 3);
    assert!(addrs.iter().all(|addr| *addr == addrs[0] && addr.port() != Some(0)));
}

#[test]
fn a_taken_port_is_refused_in_haproxys_words() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let error = listener::bind(&spec(&addr.to_string()), &listener::Options::default(), 1)
        .unwrap_err()
        .to_string();
    assert_eq!(error, format!("cannot bind socket (Address already in use) for [{addr}]"));
    let error = listener::bind(&spec("/nonexistent/x"), &listener::Options::default(), 1)
        .unwrap_err()
        .to_string();
    let want = "cannot bind UNIX socket (No such file or directory) [/nonexistent/x]";
    assert_eq!(error, want);
}

#[test]
fn an_inherited_socket_is_accepted_from_by_every_worker() {
    let inherited = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = Addr::Inet(inherited.local_addr().unwrap());
    let spec = spec(&format!("fd@{}", inherited.as_raw_fd()));
    let all = listener::bind(&spec, &listener::Options::default(), 2).unwrap();
    block_on(async {
        for mut worker in all {
            assert_eq!(worker[0].addr(), &addr);
            let listener = Listener::new(worker.remove(0)).unwrap();
            let client = connect(&addr).await;
            let (server, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
            assert_eq!(server.local_addr().unwrap(), addr);
        }
    })
    .unwrap();
    let closed = Spec::parse("fd@9999", &addr::BIND).unwrap();
    let error = listener::bind(&closed, &listener::Options::default(), 1).unwrap_err();
    assert_eq!(error.to_string(), "cannot use file descriptor '9999' : Bad file descriptor.");
}

#[test]
fn a_refused_connection_says_so() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    block_on(async {
        let refused = Stream::connect(&Addr::Inet(port), &connect::Options::default()).await;
        assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
        let nowhere = Addr::Unix("/nonexistent/x".into());
        let nowhere = Stream::connect(&nowhere, &connect::Options::default()).await;
        assert_eq!(nowhere.unwrap_err().kind(), std::io::ErrorKind::NotFound);
    })
    .unwrap();
}

#[test]
fn a_source_address_is_used() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = Addr::Inet(server.local_addr().unwrap());
    let source = Some("127.0.0.2:0".parse().unwrap());
    let options = connect::Options { source, ..connect::Options::default() };
    block_on(async {
        let stream = Stream::connect(&addr, &options).await.unwrap();
        assert_eq!(stream.local_addr().unwrap().ip(), Some([127, 0, 0, 2].into()));
        assert_eq!(stream.peer_addr().unwrap(), addr);
    })
    .unwrap();
}

#[test]
fn an_idle_connection_is_told_from_one_that_was_closed_or_spoke() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = Addr::Inet(server.local_addr().unwrap());
    block_on(async {
        let stream = connect(&addr).await;
        let (mut peer, _) = server.accept().unwrap();
        assert!(stream.is_idle() && !stream.has_hung_up());
        peer.write_all(b"unasked").unwrap();
        stream.peek_until(|stream| !stream.is_idle()).await;
        assert!(!stream.has_hung_up());
        drop(peer);
        stream.peek_until(Stream::has_hung_up).await;
        let mut rest = [0; 100];
        assert_eq!(stream.read(&mut rest).await.unwrap(), 7);
        assert_eq!(stream.read(&mut rest).await.unwrap(), 0);
    })
    .unwrap();
}

impl Stream {
    async fn peek_until(&self, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            timer::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[test]
fn the_end_of_the_stream_is_seen_after_a_short_read() {
    block_on(async {
        let (left, right) = Stream::pair().unwrap();
        right.write_all(b"last words").await.unwrap();
        drop(right);
        timer::sleep(Duration::from_millis(1)).await;
        let mut buffer = [0; 100];
        assert_eq!(left.read(&mut buffer).await.unwrap(), 10);
        assert_eq!(left.read(&mut buffer).await.unwrap(), 0);
    })
    .unwrap();
}

#[test]
fn abort_resets_the_connection() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = server.local_addr().unwrap();
    let mut client = TcpStream::connect(addr).unwrap();
    let (accepted, _) = server.accept().unwrap();
    accepted.set_nonblocking(true).unwrap();
    block_on(async {
        Stream::new(accepted.into()).unwrap().abort();
    })
    .unwrap();
    let error = client.read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn datagrams_arrive_or_are_dropped_but_never_wait() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let receiver = UnixDatagram::bind(&path).unwrap();
    let sender = Datagram::new(&Addr::Unix(path)).unwrap();
    assert!(sender.send(b"<134>hello").unwrap());
    let mut buffer = [0; 100];
    assert_eq!(receiver.recv(&mut buffer).unwrap(), 10);
    let dropped = (0..100_000).any(|_| !sender.send(&[0; 1000]).unwrap());
    assert!(dropped);
    drop(receiver);
    assert!(sender.send(b"x").is_err());
}

#[test]
fn an_inherited_pipe_takes_lines_until_it_is_full() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let sender = Datagram::inherited(writer.as_raw_fd()).unwrap();
    assert!(sender.send(b"a line\n").unwrap());
    let mut line = [0; 7];
    reader.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"a line\n");
    let dropped = (0..10_000).any(|_| !sender.send(&[0; 1000]).unwrap());
    assert!(dropped);
}

#[test]
fn names_are_resolved_on_another_thread() {
    block_on(async {
        let found = resolve::lookup("localhost".to_owned(), Family::V4, ()).await.unwrap();
        assert_eq!(found, [std::net::IpAddr::from([127, 0, 0, 1])]);
        let ip = resolve::lookup("10.1.2.3".to_owned(), Family::Any, ()).await.unwrap();
        assert_eq!(ip, [std::net::IpAddr::from([10, 1, 2, 3])]);
        assert!(resolve::lookup("10.1.2.3".to_owned(), Family::V6, ()).await.is_err());
    })
    .unwrap();
}
