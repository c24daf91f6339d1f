//! Servers of the tests' own: what stands behind the proxy.

use std::fmt;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use socket2::Domain;
use socket2::Socket;
use socket2::Type;

use super::client::Client;
use super::client::Message;
use super::process::DEADLINE;

/// The name of the threads that serve.
pub(crate) const THREAD: &str = "origin";

/// What a server of a table does with each request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// Answers 200 with the request as it came for a body.
    Echo,
    /// Answers these bytes and waits for the next request.
    Answer(Vec<u8>),
    /// Answers these bytes and closes.
    AnswerAndClose(Vec<u8>),
    /// Reads the request and closes without a word.
    Close,
    /// Reads the request and says nothing, until the proxy has gone.
    Silent,
    /// Sends back every byte as it comes, ends when the client ends.
    Mirror,
    /// Says this before anything was asked, then mirrors.
    Greet(Vec<u8>),
    /// No one listens.
    Refused,
}

/// A running server.
pub(crate) struct Origin {
    addr: SocketAddr,
    state: Arc<State>,
    _port: Option<Socket>,
}

#[derive(Default)]
struct State {
    connections: AtomicUsize,
    requests: Mutex<Vec<Message>>,
}

impl Origin {
    /// Starts a server that follows the script on each connection.
    pub(crate) fn start(script: Script) -> Self {
        if script == Script::Refused {
            return Self::refusing();
        }
        Self::serve(move |client, state| follow(&script, client, state))
    }

    /// Starts a server that calls this with each connection, in a thread of its own.
    pub(crate) fn with(connection: impl Fn(&mut Client) + Send + Sync + 'static) -> Self {
        Self::serve(move |client, _| connection(client))
    }

    /// Starts a server that gives bodies of a length back as it reads them: who sends all before it
    /// reads comes to a halt.
    pub(crate) fn mirroring(large: usize) -> Self {
        Self::with(move |client| {
            let Some(head) = client.head() else { return };
            client.send_maybe(format!("HTTP/1.1 200 OK\r\ncontent-length: {large}\r\n\r\n"));
            let chunked = head.to_ascii_lowercase().contains("chunked");
            let mut left = large;
            while left > 0 {
                let length = match chunked {
                    true => usize::from_str_radix(client.line().trim(), 16).unwrap(),
                    false => left.min(10_000),
                };
                let piece = client.take(length);
                client.send_maybe(&piece);
                left -= length;
                if chunked {
                    client.line();
                }
            }
            client.rest();
        })
    }

    /// Takes a port, so that nobody else gets it, and does not listen.
    fn refusing() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let addr = socket.local_addr().unwrap().as_socket().unwrap();
        Self { addr, state: Arc::default(), _port: Some(socket) }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many connections came so far.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// The requests read so far.
    pub(crate) fn requests(&self) -> Vec<Message> {
        self.state.requests.lock().unwrap().clone()
    }

    /// Waits until a request has been read.
    pub(crate) fn wait_for_request(&self) {
        let until = Instant::now() + DEADLINE;
        while self.requests().is_empty() {
            assert!(Instant::now() < until, "no request reaches the server");
            thread::yield_now();
        }
    }

    fn serve(connection: impl Fn(&mut Client, &State) + Send + Sync + 'static) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = socket.local_addr().unwrap();
        let state = Arc::new(State::default());
        let (shared, connection) = (state.clone(), Arc::new(connection));
        // The thread lives as long as the test binary: accept has no end of its own.
        thread::spawn(move || {
            for stream in socket.incoming() {
                let Ok(stream) = stream else { continue };
                shared.connections.fetch_add(1, Ordering::SeqCst);
                drop(stream.set_nodelay(true));
                drop(stream.set_read_timeout(Some(DEADLINE)));
                let (shared, connection) = (shared.clone(), connection.clone());
                let mut client = Client::from_socket(stream.into());
                thread::Builder::new()
                    .name(THREAD.to_owned())
                    .spawn(move || connection(&mut client, &shared))
                    .unwrap();
            }
        });
        Self { addr, state, _port: None }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Origin").field("addr", &self.addr).finish_non_exhaustive()
    }
}

fn follow(script: &Script, client: &mut Client, state: &State) {
    match script {
        Script::Mirror => mirror(client),
        Script::Greet(text) => {
            client.send_maybe(text);
            mirror(client);
        }
        _ => while follow_request(script, client, state) {},
    }
}

/// Reads one request and does what the script says; false when the connection is over.
fn follow_request(script: &Script, client: &mut Client, state: &State) -> bool {
    let Some(request) = client.message() else { return false };
    state.requests.lock().unwrap().push(request.clone());
    match script {
        Script::Echo => client.send_maybe(echo(&request)),
        Script::Answer(text) | Script::AnswerAndClose(text) => client.send_maybe(text),
        Script::Silent => {
            client.rest();
        }
        Script::Close | Script::Mirror | Script::Greet(_) | Script::Refused => {}
    }
    matches!(script, Script::Echo | Script::Answer(_))
}

/// Returns an answer whose body is the request.
pub(crate) fn echo(request: &Message) -> Vec<u8> {
    let seen = request.show();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", seen.len());
    let body = if request.head.starts_with("HEAD ") { Vec::new() } else { seen };
    [head.into_bytes(), body].concat()
}

fn mirror(client: &mut Client) {
    use std::io::Read;
    let mut bytes = [0; 65536];
    while let Ok(read) = client.socket.read(&mut bytes) {
        if read == 0 {
            client.shut();
            return;
        }
        client.send_maybe(&bytes[..read]);
    }
}
