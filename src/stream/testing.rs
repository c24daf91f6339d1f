//! A proxy between clients and servers of the tests' own, all in one process.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::Shutdown;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use event_listener::Event;

use super::Entry;
use super::Local;
use super::serve;
use crate::net::Addr;
use crate::net::Listener;
use crate::net::addr;
use crate::net::listener;
use crate::program::Program;
use crate::proxy;
use crate::script::Scripts;
use crate::task;

/// How long anybody waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the first section of a program while a client talks to it.
pub(crate) fn run_program<T: Send + 'static>(
    program: Arc<Program>,
    scripts: Rc<dyn Scripts>,
    client: impl FnOnce(SocketAddr) -> T + Send + 'static,
) -> T {
    let spec = addr::Spec::parse("127.0.0.1:0", &addr::BIND).unwrap();
    let mut bound = listener::bind(&spec, &listener::Options::default(), 1).unwrap();
    let bound = bound.remove(0).remove(0);
    let Addr::Inet(place) = bound.addr().clone() else { panic!("not over TCP") };
    task::block_on(async move {
        let local = Local::new(0, program, scripts);
        let listener = Listener::new(bound).unwrap();
        let accepting = task::spawn(async move {
            while let Ok((conn, src)) = listener.accept().await {
                let local = Rc::clone(&local);
                task::spawn(serve(local, conn, src, entry())).detach();
            }
        });
        let done = Arc::new(Event::new());
        let waiting = done.listen();
        let thread = thread::spawn(move || {
            let _done = Done(done);
            client(place)
        });
        waiting.await;
        drop(accepting);
        thread.join().unwrap()
    })
    .unwrap()
}

/// Starts an origin that calls for each connection; gives its address and how many there were.
pub(crate) fn origin(
    answer: impl Fn(BufReader<TcpStream>, usize) -> io::Result<()> + Send + Sync + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let (counted, answer) = (Arc::clone(&count), Arc::new(answer));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let nth = counted.fetch_add(1, Ordering::SeqCst);
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                // A client that goes ends a connection like any other.
                let _ended = answer(BufReader::new(stream), nth);
            });
        }
    });
    (place, count)
}

/// Reads a head; empty at the end of the connection.
pub(crate) fn head(stream: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).unwrap_or(0) == 0 {
            break;
        }
    }
    head
}

pub(crate) fn connect(place: SocketAddr) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(place).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    BufReader::new(stream)
}

pub(crate) fn send(stream: &BufReader<TcpStream>, text: &str) {
    stream.get_ref().write_all(text.as_bytes()).unwrap();
}

/// Sends, closes its side, and reads all of the answer.
pub(crate) fn ask(place: SocketAddr, text: &str) -> String {
    let mut stream = connect(place);
    send(&stream, text);
    stream.get_ref().shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

pub(crate) fn entry() -> Rc<Entry> {
    Rc::new(Entry {
        frontend: proxy::Id(0),
        listener: (1, Arc::from("test")),
        http2: false,
        accept_proxy: false,
        nice: 0,
        tls: None,
    })
}

/// Tells that a client is done, also when it panics.
struct Done(Arc<Event>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.notify(usize::MAX);
    }
}
