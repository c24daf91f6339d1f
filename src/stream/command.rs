//! The runtime API (`stats socket`): a conversation of commands, the program's and those of scripts.

use std::cell::Cell;
use std::cell::OnceCell;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;

use crate::admin;
use crate::admin::Level;
use crate::clock;
use crate::net;
use crate::net::Addr;
use crate::proxy::Mode;
use crate::proxy::Proxy;
use crate::script;
use crate::txn::Session;
use crate::txn::Vars;

use super::accept::new_exchange;
use super::end::End;
use super::local::Local;
use super::pump::Pump;

/// How long nobody may say anything (HAProxy: `stats timeout`).
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest line.
const LINE_MAX: usize = 16 << 10;

/// What is shown before each line, once it was asked for.
const PROMPT: &[u8] = b"\n> ";

/// Ends a conversation.
const NO_PAYLOAD: &[u8] = b"a payload ('<<') is not supported.\n\n";

/// Holds a conversation to its end.
pub async fn talk(local: Rc<Local>, conn: net::Stream, src: Addr, level: Level) {
    let session = Rc::new(session(&local, &conn, src));
    let client = End::new(conn, Some(TIMEOUT));
    // Who has gone is told nothing.
    let _ended = Talk { local, session, client, level, interactive: false }.run().await;
}

struct Talk {
    local: Rc<Local>,
    session: Rc<Session>,
    client: End,
    level: Level,
    interactive: bool,
}

impl Talk {
    async fn run(&mut self) -> io::Result<()> {
        while let Some(line) = self.line().await? {
            for words in commands(&line) {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                match *words {
                    [] => continue,
                    ["quit", ..] => return Ok(()),
                    // The lines that follow are no commands.
                    [.., last] if last.starts_with("<<") => {
                        return self.client.send(NO_PAYLOAD).await;
                    }
                    _ => self.answer(&words).await?,
                }
                self.client.send(if self.interactive { PROMPT } else { b"\n" }).await?;
            }
            if !self.interactive {
                break;
            }
        }
        Ok(())
    }

    async fn answer(&mut self, words: &[&str]) -> io::Result<()> {
        let text = match *words {
            ["prompt"] => {
                self.interactive = !self.interactive;
                String::new()
            }
            ["operator"] => {
                self.level = self.level.min(Level::Operator);
                String::new()
            }
            ["user"] => {
                self.level = Level::User;
                String::new()
            }
            ["help", ref rest @ ..] => {
                let list = admin::help(rest, self.level, &self.local.scripts.commands());
                format!("The following commands are valid at this level:\n{list}")
            }
            _ => match admin::run(&self.session.proxies, self.level, words) {
                Some(text) => text,
                None => match self.local.scripts.find_command(words) {
                    Some(id) => {
                        self.call(id, words).await?;
                        String::new()
                    }
                    None => {
                        let list = admin::help(words, self.level, &self.local.scripts.commands());
                        format!(
                            "Unknown command, but maybe one of the following ones is a better \
                             match:\n{list}"
                        )
                    }
                },
            },
        };
        self.client.send(text.as_bytes()).await
    }

    /// Lets a script answer.
    async fn call(&mut self, id: script::Id, words: &[&str]) -> io::Result<()> {
        let txn = new_exchange(&self.local, &self.session, 0).into_shared();
        let words: Vec<Bytes> =
            words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        let call = script::Call::Command { id, txn: &txn, arguments: &words };
        let mut pump = Pump::request(&self.local, &txn, &mut self.client).counted();
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        pump.run(script::call(&self.local.scripts, call)).await.map_err(gone)?;
        pump.drain().await.map_err(gone)?;
        // What the script has not read is the next command's.
        let rest = txn.borrow_mut().req.take_input(usize::MAX);
        let mut buf = BytesMut::from(&rest[..]);
        buf.extend_from_slice(&self.client.buf);
        self.client.buf = buf;
        Ok(())
    }

    /// Reads a line; the last one may lack its end.
    async fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            let buf = &mut self.client.buf;
            if let Some(end) = memchr::memchr(b'\n', buf) {
                let line = buf.split_to(end.saturating_add(1));
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
            if self.client.is_eof() || self.client.buf.len() > LINE_MAX {
                return Ok(None);
            }
            let Self { local, client, .. } = self;
            poll_fn(|cx| client.poll_fill(cx, &mut local.scratch.borrow_mut())).await?;
        }
    }
}

/// Returns the words of each command of a line; a backslash takes its meaning from what follows.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(letter) = chars.next() {
        let end = letter == ';' || letter.is_ascii_whitespace();
        if !end {
            let letter = if letter == '\\' { chars.next() } else { Some(letter) };
            word.get_or_insert_default().extend(letter);
            continue;
        }
        if let (Some(word), Some(words)) = (word.take(), all.last_mut()) {
            words.push(word);
        }
        if letter == ';' {
            all.push(Vec::new());
        }
    }
    if let (Some(word), Some(words)) = (word, all.last_mut()) {
        words.push(word);
    }
    all
}

/// Returns the session that scripts see: of no frontend.
fn session(local: &Local, conn: &net::Stream, src: Addr) -> Session {
    let frontend = Proxy { name: "GLOBAL".to_owned(), mode: Mode::Tcp, ..Proxy::blank() };
    Session {
        id: local.next_session(),
        worker: local.worker,
        frontend: Arc::new(frontend),
        proxies: Arc::clone(&local.program.proxies),
        listener: (0, "stats".into()),
        src: RefCell::new(src),
        dst: RefCell::new(conn.local_addr().unwrap_or(Addr::Unnamed)),
        accepted: clock::cached(),
        accept_date: clock::date(),
        expect_proxy: Cell::new(false),
        failure: OnceCell::new(),
        tls: OnceCell::new(),
        proxy_header: OnceCell::new(),
        vars: RefCell::new(Vars::default()),
        requests: Cell::new(0),
    }
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn lines_are_cut_at_what_is_not_escaped() {
        for (line, expected) in [
            ("a b\n", vec![vec!["a", "b"]]),
            (" a  b ;c\r\n", vec![vec!["a", "b"], vec!["c"]]),
            ("a\\ b\\;c \\\\d", vec![vec!["a b;c", "\\d"]]),
            (";;", vec![vec![], vec![], vec![]]),
            ("a\\", vec![vec!["a"]]),
            ("", vec![vec![]]),
        ] {
            assert_eq!(commands(line), expected, "{line}");
        }
    }
}
