//! Client connections, run with real sockets against small origins.

use std::io;
use std::io::BufRead;
use std::io::Read;
use std::io::Write;
use std::net::Shutdown;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;

use super::testing::PATIENCE;
use super::testing::ask;
use super::testing::connect;
use super::testing::entry;
use super::testing::head;
use super::testing::origin;
use super::testing::run_program;
use super::testing::send;
use super::*;
use crate::net::Addr;
use crate::program::Global;
use crate::program::Program;
use crate::program::Section;
use crate::proxy;
use crate::proxy::Mode;
use crate::proxy::Proxy;
use crate::proxy::Server;
use crate::proxy::Timeouts;
use crate::proxy::testing;
use crate::rule::RuleSet;
use crate::script::NoScripts;
use crate::task;

/// Returns a program with one `listen` section.
fn program(proxy: Proxy) -> Arc<Program> {
    let proxy = Arc::new(proxy);
    let section = Section {
        proxy: Arc::clone(&proxy),
        binds: Vec::new(),
        disabled: false,
        tcp_connection: RuleSet::default(),
        tcp_session: RuleSet::default(),
        tcp_request: RuleSet::default(),
        tcp_response: RuleSet::default(),
        http_request: RuleSet::default(),
        http_response: RuleSet::default(),
        http_after_response: RuleSet::default(),
        switching: Vec::new(),
        use_server: Vec::new(),
        default_backend: None,
        log_format: None,
        log_connect: false,
        error_log_format: None,
        sni: Vec::new(),
        log_tag: None,
        unique_id: None,
        unique_id_header: None,
        server_tlvs: Vec::new(),
        monitor_uri: None,
        monitor_fail: Vec::new(),
        needs_shared_state: false,
    };
    let proxies = Arc::new(proxy::Set::new(vec![proxy]));
    let global = Global::default();
    Arc::new(Program { global, proxies, sections: vec![section], files: Vec::new() })
}

fn listen(mode: Mode, servers: &[SocketAddr]) -> Proxy {
    let servers = servers.iter().zip(1..).map(|(&addr, puid)| {
        Arc::new(Server { ..testing::server(puid, &format!("s{puid}"), Addr::Inet(addr)) })
    });
    let limit = Some(PATIENCE);
    let timeouts = Timeouts { client: limit, server: limit, connect: limit, ..Timeouts::default() };
    Proxy { servers: servers.collect(), timeouts, ..testing::proxy(0, "p", mode) }
}

/// Runs a proxy while a client talks to it; gives what the client found.
fn run<T: Send + 'static>(
    proxy: Proxy,
    client: impl FnOnce(SocketAddr) -> T + Send + 'static,
) -> T {
    run_program(program(proxy), Rc::new(NoScripts), client)
}

fn unused_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn bytes_go_both_ways_and_each_side_closes_for_itself() {
    let (place, _) = origin(|mut stream, _| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all)?;
        stream.get_ref().write_all(&all)?;
        stream.get_ref().write_all(b"!")
    });
    let sent: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let expected = [&sent[..], b"!"].concat();
    let found = run(listen(Mode::Tcp, &[place]), move |place| {
        let mut stream = connect(place);
        let mut writer = stream.get_ref().try_clone().unwrap();
        let writing = thread::spawn(move || {
            writer.write_all(&sent).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut found = Vec::new();
        stream.read_to_end(&mut found).unwrap();
        writing.join().unwrap();
        found
    });
    assert!(found == expected, "{} bytes", found.len());
}

#[test]
fn both_connections_are_kept_for_the_next_request() {
    let (place, connections) = origin(|mut stream, _| {
        while !head(&mut stream).is_empty() {
            stream.get_ref().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")?;
        }
        Ok(())
    });
    let found = run(listen(Mode::Http, &[place]), |place| {
        let mut stream = connect(place);
        (0..5)
            .map(|_| {
                send(&stream, "GET / HTTP/1.1\r\nhost: h\r\n\r\n");
                let head = head(&mut stream);
                let mut body = [0; 2];
                stream.read_exact(&mut body).unwrap();
                (head, body)
            })
            .collect::<Vec<_>>()
    });
    let expected = ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n".to_owned(), *b"ok");
    assert_eq!(found, vec![expected; 5]);
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[test]
fn an_idle_connection_that_the_server_has_closed_is_replaced() {
    // The first connection answers once, and closes when the second request is on its way.
    let (place, connections) = origin(|mut stream, nth| {
        let mut left = if nth == 0 { 1 } else { 9 };
        while !head(&mut stream).is_empty() && left > 0 {
            stream.get_ref().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
            left -= 1;
        }
        Ok(())
    });
    let found = run(listen(Mode::Http, &[place]), |place| {
        let mut stream = connect(place);
        [(); 2].map(|()| {
            send(&stream, "GET / HTTP/1.1\r\nhost: h\r\n\r\n");
            head(&mut stream)
        })
    });
    assert!(found.iter().all(|head| head.starts_with("HTTP/1.1 200")), "{found:?}");
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[test]
fn chunks_and_trailers_pass_in_both_directions() {
    let (place, _) = origin(|mut stream, _| {
        let head = head(&mut stream);
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
        let mut body = String::new();
        while !body.ends_with("0\r\nx-end: yes\r\n\r\n") {
            assert_ne!(stream.read_line(&mut body)?, 0);
        }
        let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.get_ref().write_all(format!("{answer}{body}").as_bytes())
    });
    let answer = run(listen(Mode::Http, &[place]), |place| {
        let head = "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";
        ask(place, &format!("{head}3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-End: yes\r\n\r\n"))
    });
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(body.ends_with("0\r\nx-end: yes\r\n\r\n"), "{body}");
    let data: Vec<&str> = body.split("\r\n").skip(1).step_by(2).collect();
    assert!(data.concat().starts_with("abcde"), "{body}");
}

#[test]
fn what_goes_wrong_is_answered_with_haproxys_status() {
    let (closing, _) = origin(|mut stream, _| {
        head(&mut stream);
        Ok(())
    });
    let (babbling, _) = origin(|mut stream, _| {
        head(&mut stream);
        stream.get_ref().write_all(b"nonsense\r\n\r\n")
    });
    let (silent, _) = origin(|mut stream, _| {
        head(&mut stream);
        stream.read_to_end(&mut Vec::new()).map(drop)
    });
    let request = "GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    for (server, request, status) in [
        (Some(closing), request, "502 Bad Gateway"),
        (Some(babbling), request, "502 Bad Gateway"),
        (Some(silent), request, "504 Gateway Time-out"),
        (Some(unused_port()), request, "503 Service Unavailable"),
        (None, request, "503 Service Unavailable"),
        (None, "nonsense\r\n\r\n", "400 Bad request"),
        (None, "GET / HTTP/1.1\r\nhost", "400 Bad request"),
    ] {
        let mut proxy = listen(Mode::Http, server.as_slice());
        proxy.timeouts.server = Some(Duration::from_millis(100));
        proxy.retries = 0;
        let answer = run(proxy, move |place| ask(place, request));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{status}: {answer}");
    }
}

#[test]
fn a_silent_client_is_told_so_and_an_idle_one_is_not() {
    let (place, _) = origin(|mut stream, _| {
        head(&mut stream);
        stream.get_ref().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
        stream.read_to_end(&mut Vec::new()).map(drop)
    });
    let mut proxy = listen(Mode::Http, &[place]);
    proxy.timeouts.http_request = Some(Duration::from_millis(50));
    proxy.timeouts.http_keep_alive = Some(Duration::from_millis(50));
    let (silent, idle) = run(proxy, |place| {
        let mut silent = String::new();
        connect(place).read_to_string(&mut silent).unwrap();
        let mut stream = connect(place);
        send(&stream, "GET / HTTP/1.1\r\nhost: h\r\n\r\n");
        let mut idle = String::new();
        stream.read_to_string(&mut idle).unwrap();
        (silent, idle)
    });
    assert!(silent.starts_with("HTTP/1.1 408 Request Time-out\r\n"), "{silent}");
    assert_eq!(idle, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
}

#[test]
fn a_soft_stop_lets_idle_clients_go() {
    let (place, _) = origin(|mut stream, _| {
        while !head(&mut stream).is_empty() {
            stream.get_ref().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
        }
        Ok(())
    });
    let program = program(listen(Mode::Http, &[place]));
    task::block_on(async move {
        let local = Local::new(0, program, Rc::new(NoScripts));
        let (client, conn) = crate::net::Stream::pair().unwrap();
        let task = task::spawn(serve(Rc::clone(&local), conn, Addr::Unnamed, entry()));
        client.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
        let mut buffer = [0; 256];
        assert!(client.read(&mut buffer).await.unwrap() > 0);
        local.stop();
        task.await;
        assert_eq!(client.read(&mut buffer).await.unwrap(), 0);
    })
    .unwrap();
}

#[test]
fn an_http_1_0_client_gets_no_chunks() {
    let (place, _) = origin(|mut stream, _| {
        head(&mut stream);
        let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        stream.get_ref().write_all(answer.as_bytes())
    });
    let answer = run(listen(Mode::Http, &[place]), |place| ask(place, "GET / HTTP/1.0\r\n\r\n"));
    assert_eq!(answer, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_body_arrives_as_it_was_sent_however_it_is_cut(
        body in proptest::collection::vec(any::<u8>(), 0..60_000),
        cuts in proptest::collection::vec(1_usize..20_000, 1..8),
        chunked in any::<bool>(),
    ) {
        let (place, _) = origin(|mut stream, _| {
            let head = head(&mut stream);
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let body = match length {
                Some(length) => {
                    let mut body = vec![0; length.parse().unwrap()];
                    stream.read_exact(&mut body)?;
                    body
                }
                None => read_chunks(&mut stream)?,
            };
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.get_ref().write_all(answer.as_bytes())?;
            stream.get_ref().write_all(&body)
        });
        let sent = body.clone();
        let found = run(listen(Mode::Http, &[place]), move |place| {
            let mut stream = connect(place);
            let framing = match chunked {
                true => "transfer-encoding: chunked".to_owned(),
                false => format!("content-length: {}", sent.len()),
            };
            send(&stream, &format!("POST / HTTP/1.1\r\nhost: h\r\n{framing}\r\n\r\n"));
            let mut writer = stream.get_ref().try_clone().unwrap();
            let writing = thread::spawn(move || write_cut(&mut writer, &sent, &cuts, chunked));
            let head = head(&mut stream);
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut found = vec![0; length.unwrap().parse().unwrap()];
            stream.read_exact(&mut found).unwrap();
            writing.join().unwrap().unwrap();
            found
        });
        prop_assert!(found == body);
    }
}

fn write_cut(
    stream: &mut TcpStream,
    mut body: &[u8],
    cuts: &[usize],
    chunked: bool,
) -> io::Result<()> {
    let mut cuts = cuts.iter().cycle();
    while !body.is_empty() {
        let (piece, rest) = body.split_at(body.len().min(*cuts.next().unwrap()));
        if chunked {
            write!(stream, "{:x}\r\n", piece.len())?;
        }
        stream.write_all(piece)?;
        if chunked {
            stream.write_all(b"\r\n")?;
        }
        body = rest;
    }
    if chunked { stream.write_all(b"0\r\n\r\n") } else { Ok(()) }
}

fn read_chunks(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut piece = vec![0; size + 2];
        stream.read_exact(&mut piece)?;
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&piece[..size]);
    }
}
