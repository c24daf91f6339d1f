//! Whole configurations without scripts, between clients and servers of the tests' own.

use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;

use crate::compile;
use crate::diag::Sources;
use crate::net::Addr;
use crate::program::Program;
use crate::script::NoScripts;
use crate::stream::Entry;
use crate::stream::Local;
use crate::stream::serve;
use crate::stream::testing::ask;
use crate::stream::testing::connect;
use crate::stream::testing::entry;
use crate::stream::testing::head;
use crate::stream::testing::origin;
use crate::stream::testing::run_program;
use crate::stream::testing::send;
use crate::syntax;
use crate::task;

/// Compiles a configuration without scripts.
fn compiled(text: &str) -> Arc<Program> {
    let mut sources = Sources::default();
    sources.add("test.cfg", text);
    let mut env = syntax::Env::new();
    let (tree, _) = syntax::parse(&sources, &mut env);
    let (sources, tree, env, loader) = (&sources, &tree, &env, &NoScripts);
    let input = compile::Input { sources, tree, env, loader, default_maxconn: 0 };
    let compiled = compile::compile(input);
    Arc::new(compiled.program.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics)))
}

#[test]
fn a_full_queue_of_one_server_sends_requests_elsewhere_or_away() {
    let request = "GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    for (option, status) in [("option redispatch", "200"), ("no option redispatch", "503")] {
        let go = Arc::new(AtomicBool::new(false));
        let gone = Arc::clone(&go);
        let (slow, _) = origin(move |mut stream, _| {
            head(&mut stream);
            while !gone.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            stream.get_ref().write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        });
        let (fast, _) = origin(|mut stream, _| {
            head(&mut stream);
            stream.get_ref().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        });
        let program = compiled(&format!(
            "listen l\n mode http\n {option}\n use-server slow if TRUE\n \
             server slow {slow} maxconn 1 maxqueue 1\n server fast {fast}\n"
        ));
        let proxy = Arc::clone(&program.sections[0].proxy);
        let found = run_program(program, Rc::new(NoScripts), move |place| {
            let wait = |ready: &dyn Fn() -> bool| {
                while !ready() {
                    thread::yield_now();
                }
            };
            let first = connect(place);
            send(&first, request);
            wait(&|| proxy.servers[0].places.used() == 1);
            let second = connect(place);
            send(&second, request);
            wait(&|| proxy.servers[0].places.waiting() == 1);
            let third = ask(place, request);
            go.store(true, Ordering::SeqCst);
            for mut stream in [first, second] {
                assert!(head(&mut stream).starts_with("HTTP/1.1 204"));
            }
            third
        });
        assert!(found.starts_with(&format!("HTTP/1.1 {status}")), "{option}: {found}");
    }
}

#[test]
fn niceness_of_an_exchange_is_not_that_of_the_next() {
    let (place, _) = origin(|mut stream, _| {
        while !head(&mut stream).is_empty() {
            stream.get_ref().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
        }
        Ok(())
    });
    let program = compiled(&format!(
        "listen l\n mode http\n http-request set-nice 700 if {{ path /late }}\n server s {place}\n"
    ));
    task::block_on(async move {
        let local = Local::new(0, program, Rc::new(NoScripts));
        let (client, conn) = crate::net::Stream::pair().unwrap();
        let entry = Rc::new(Entry { nice: -5, ..Entry::clone(&entry()) });
        let mut session = Box::pin(serve(Rc::clone(&local), conn, Addr::Unnamed, entry));
        let mut buffer = [0; 256];
        // The session runs in this task: its niceness can be seen here.
        for (path, nice) in [("/", -5), ("/late", 700), ("/", -5)] {
            let request = format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n");
            client.write_all(request.as_bytes()).await.unwrap();
            let answered = std::future::poll_fn(|cx| {
                assert!(session.as_mut().poll(cx).is_pending());
                client.poll_read(cx, &mut buffer)
            });
            assert!(answered.await.unwrap() > 0);
            assert_eq!(task::nice(), nice, "{path}");
        }
    })
    .unwrap();
}
