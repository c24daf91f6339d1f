//! A client that sends bytes as they are and reads answers as they come.

use std::io;
use std::io::Read;
use std::io::Write;
use std::net::Shutdown;
use std::net::SocketAddr;
use std::path::Path;

use socket2::Domain;
use socket2::SockAddr;
use socket2::SockRef;
use socket2::Socket;
use socket2::Type;

use super::process::DEADLINE;

/// One connection to the proxy.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) socket: Socket,
    buffer: Vec<u8>,
}

/// One HTTP message as it came, its body without chunks.
#[derive(Debug, Default, Clone)]
pub(crate) struct Message {
    /// The head with its empty line, as it came.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Trailer lines, each with its line end.
    pub(crate) trailers: String,
}

impl Message {
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// Returns the first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the message as one run of bytes, its trailers behind a line of `--`.
    pub(crate) fn show(&self) -> Vec<u8> {
        let mut bytes = [self.head.as_bytes(), &self.body].concat();
        if !self.trailers.is_empty() {
            bytes.extend(b"\r\n--\r\n");
            bytes.extend(self.trailers.as_bytes());
        }
        bytes
    }
}

impl Client {
    pub(crate) fn connect(addr: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
        socket.set_tcp_nodelay(true)?;
        Self::open(socket, &addr.into())
    }

    pub(crate) fn connect_unix(path: &Path) -> io::Result<Self> {
        Self::open(Socket::new(Domain::UNIX, Type::STREAM, None)?, &SockAddr::unix(path)?)
    }

    pub(crate) fn from_socket(socket: Socket) -> Self {
        Self { socket, buffer: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).expect("the other side takes what is sent");
    }

    /// Sends what the other side still wants: a proxy that has answered may have gone.
    pub(crate) fn send_maybe(&mut self, bytes: impl AsRef<[u8]>) {
        drop(self.socket.write_all(bytes.as_ref()));
    }

    /// Ends what this side sends.
    pub(crate) fn shut(&self) {
        self.socket.shutdown(Shutdown::Write).unwrap();
    }

    /// Ends what this side sends, if the other side is still there.
    pub(crate) fn shut_maybe(&self) {
        drop(self.socket.shutdown(Shutdown::Write));
    }

    /// Closes with a reset instead of an end.
    pub(crate) fn reset(self) {
        SockRef::from(&self.socket).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    }

    /// Reads one message; `None` at the end of the connection.
    pub(crate) fn message(&mut self) -> Option<Message> {
        let head = self.head()?;
        let mut message = Message { head, ..Message::default() };
        let bodyless = matches!(message.status(), 100..=199 | 204 | 304);
        let request = !message.head.starts_with("HTTP/");
        let chunked = message.header("transfer-encoding").is_some_and(|value| value == "chunked");
        if bodyless {
        } else if chunked {
            self.chunks(&mut message);
        } else if let Some(length) = message.header("content-length") {
            let length = length.parse().expect("a content-length is a number");
            message.body = self.take(length);
        } else if !request {
            message.body = self.rest();
        }
        Some(message)
    }

    /// Reads a head alone: what follows an answer to HEAD is the next answer.
    pub(crate) fn head(&mut self) -> Option<String> {
        let end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            if !self.fill() {
                let left = String::from_utf8_lossy(&self.buffer);
                assert!(left.is_empty(), "the connection ended within a head: {left:?}");
                return None;
            }
        };
        Some(String::from_utf8(self.take(end)).expect("a head is text"))
    }

    /// Reads exactly that many bytes.
    pub(crate) fn take(&mut self, length: usize) -> Vec<u8> {
        while self.buffer.len() < length {
            let (have, filled) = (self.buffer.len(), self.fill());
            assert!(filled, "ended after {have} of {length} bytes");
        }
        self.buffer.drain(..length).collect()
    }

    /// Reads exactly that many bytes; `None` where the connection has ended instead.
    pub(crate) fn take_maybe(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < length {
            if !self.fill() {
                return None;
            }
        }
        Some(self.buffer.drain(..length).collect())
    }

    /// Sends these bytes again and again until the other side takes no more, at most so many;
    /// returns how many it has taken.
    pub(crate) fn send_until_full(&mut self, bytes: &[u8], most: usize) -> usize {
        let patience = Some(std::time::Duration::from_millis(500));
        self.socket.set_write_timeout(patience).unwrap();
        let mut sent = 0;
        while sent < most {
            match self.socket.write(&bytes[sent % bytes.len()..]) {
                Ok(count) => sent += count,
                Err(_) => break,
            }
        }
        sent
    }

    /// Reads a line with its end.
    pub(crate) fn line(&mut self) -> String {
        let end = loop {
            if let Some(at) = find(&self.buffer, b"\n") {
                break at + 1;
            }
            assert!(self.fill(), "the connection ended within a line");
        };
        String::from_utf8(self.take(end)).expect("a line is text")
    }

    /// Reads to the end of the connection.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.buffer)
    }

    /// Checks that the other side has closed and left nothing unread.
    pub(crate) fn ended(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "more came: {:?}", String::from_utf8_lossy(&rest));
    }

    fn open(socket: Socket, addr: &SockAddr) -> io::Result<Self> {
        socket.connect(addr)?;
        socket.set_read_timeout(Some(DEADLINE))?;
        socket.set_write_timeout(Some(DEADLINE))?;
        Ok(Self::from_socket(socket))
    }

    fn chunks(&mut self, message: &mut Message) {
        loop {
            let line = self.line();
            let size = line.trim_end().split(';').next().unwrap_or("");
            let size = usize::from_str_radix(size, 16).expect("a chunk size");
            if size == 0 {
                break;
            }
            message.body.extend(self.take(size));
            assert_eq!(self.take(2), b"\r\n", "a chunk ends with its line end");
        }
        loop {
            let line = self.line();
            if line == "\r\n" {
                return;
            }
            message.trailers.push_str(&line);
        }
    }

    /// Reads some more; false at the end, a reset included.
    fn fill(&mut self) -> bool {
        let mut bytes = [0; 65536];
        loop {
            match self.socket.read(&mut bytes) {
                Ok(0) => return false,
                Ok(read) => {
                    self.buffer.extend_from_slice(&bytes[..read]);
                    return true;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return false,
                Err(error) => {
                    panic!("reading: {error}, after {:?}", String::from_utf8_lossy(&self.buffer))
                }
            }
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}
