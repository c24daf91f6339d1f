//! Cases that are data: a configuration, what is sent, what must come back, what must be logged.
//!
//! A file has any number of cases. What stands before the first one holds for all of them:
//!
//! ```text
//! # a remark
//! == a_sentence_that_names_the_case
//! -- config                  the sections after the prelude; ${s1} is the server, ${dead} nobody
//! frontend web
//!     bind "fd@${web}"
//!     default_backend app
//! -- server answer           echo, answer, answer-and-close, close, silent, mirror, greet, refused
//! HTTP/1.1 200 OK
//! -- send                    one connection to `web`; `connect NAME` opens another
//! GET / HTTP/1.1
//! -- receive                 or receive-head, status CODE, take, drain COUNT, rest, end, shut
//! HTTP/1.1 200 OK
//! -- log                     all log lines, without ports, dates and timers
//! ```
//!
//! Each line of what is sent ends with CR LF, unless it ends with `\`; `\r \n \t \\ \xHH` are
//! bytes. What is received is written the same way.

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;

use super::block::Block;
use super::block::escape;
use super::block::unescape;
use super::client::Client;
use super::normal;
use super::origin::Origin;
use super::origin::Script;
use super::peer;
use super::proxy::Peer;
use super::proxy::Proxy;
use super::proxy::Setup;

/// A case as its file has it.
#[derive(Clone, Debug)]
struct Case {
    file: PathBuf,
    name: String,
    blocks: Vec<Block>,
}

/// The `global` section that cases begin with.
pub(crate) const GLOBAL: &str = "global\n    log stdout format raw local0\n";

/// The `defaults` section that cases begin with.
pub(crate) const HTTP: &str = "
defaults
    mode http
    log global
    option httplog
    timeout connect 5s
    timeout client 10s
    timeout server 10s
";

/// The same for TCP.
pub(crate) const TCP: &str = "
defaults
    mode tcp
    log global
    option tcplog
    timeout connect 5s
    timeout client 10s
    timeout server 10s
";

/// A frontend before one server.
pub(crate) const ONE_SERVER: &str = "
frontend web
    bind \"fd@${web}\"
    default_backend app
backend app
    server s1 \"${s1}\"
";

/// A case that is a function, for what a file cannot say.
pub(crate) type Scenario = (&'static str, fn(Peer));

/// Returns the trials of all `*.txt` of a folder of tests/: each case against each of its peers.
pub(crate) fn folder(folder: &str) -> Vec<Trial> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    files.iter().flat_map(|file| cases(file)).flat_map(|case| trials(folder, case)).collect()
}

/// Returns the trials of functions: each against both peers.
pub(crate) fn scenarios(family: &str, list: &'static [Scenario]) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, run) in list {
        for peer in Peer::BOTH {
            let name = format!("{family}::{name}::{}", peer.name());
            trials.push(peer::trial(name, peer.tools(), move || run(peer)));
        }
    }
    trials
}

fn trials(folder: &str, case: Case) -> Vec<Trial> {
    let stem = case.file.file_stem().unwrap().to_str().unwrap().to_owned();
    let case = Arc::new(case);
    let mut trials = Vec::new();
    for peer in Peer::BOTH {
        if peer == Peer::Haproxy && case.find("luaproxy-only").is_some() {
            continue;
        }
        let name = format!("{folder}::{stem}::{}::{}", case.name, peer.name());
        let case = case.clone();
        trials.push(peer::trial(name, peer.tools(), move || case.run(peer)));
    }
    trials
}

/// Reads the cases of a file.
fn cases(file: &Path) -> Vec<Case> {
    let text = fs::read_to_string(file).unwrap();
    let mut parts = text.split("\n== ");
    let defaults = Block::parse_all(parts.next().unwrap_or_default());
    parts
        .map(|part| {
            let (name, rest) = part.split_once('\n').unwrap_or((part, ""));
            let blocks = [defaults.clone(), Block::parse_all(rest)].concat();
            Case { file: file.to_owned(), name: name.trim().to_owned(), blocks }
        })
        .collect()
}

impl Case {
    /// Returns the last block of that keyword: a case's own comes after the file's.
    fn find(&self, keyword: &str) -> Option<&Block> {
        self.blocks.iter().rev().find(|block| block.keyword == keyword)
    }

    fn text(&self, keyword: &str) -> &str {
        self.find(keyword).map_or("", |block| &block.text)
    }

    fn run(&self, peer: Peer) {
        let origin = Origin::start(self.script());
        let dead = Origin::start(Script::Refused);
        let proxy = self.start(peer, &origin, &dead);
        let mut client = None;
        for (index, block) in self.blocks.iter().enumerate() {
            self.step(index, block, &proxy, &mut client);
        }
        drop(client);
        if let Some(index) = self.blocks.iter().position(|block| block.keyword == "log") {
            self.check_log(index, &proxy);
        }
        for line in self.text("said").lines() {
            proxy.wait_to_say(line);
        }
        proxy.stop();
    }

    fn start(&self, peer: Peer, origin: &Origin, dead: &Origin) -> Proxy {
        let mut setup = Setup::new(peer).env("s1", origin.addr()).env("dead", dead.addr());
        let mut config = format!("{GLOBAL}{}", self.text("global"));
        if peer == Peer::Haproxy {
            // Its threads count a connection before they know whose it is, and the log shows that.
            config.push_str("\n    nbthread 1\n");
        }
        if let Some(lua) = self.find("lua") {
            setup = setup.file("script.lua", &lua.text);
            config.push_str("\n    lua-load script.lua\n");
        }
        for block in self.blocks.iter().filter(|block| block.keyword == "file") {
            setup = setup.file(&block.argument, &block.text);
        }
        let defaults = self.find("defaults").map_or("http", |block| &block.argument);
        config.push_str(match defaults {
            "tcp" => TCP,
            "http" => HTTP,
            _ => self.text("defaults"),
        });
        config.push_str(self.text("config"));
        setup.start(&config)
    }

    fn script(&self) -> Script {
        let Some(block) = self.find("server") else { return Script::Echo };
        let text = || unescape(&block.text);
        match block.argument.as_str() {
            "echo" => Script::Echo,
            "answer" => Script::Answer(text()),
            "answer-and-close" => Script::AnswerAndClose(text()),
            "close" => Script::Close,
            "silent" => Script::Silent,
            "mirror" => Script::Mirror,
            "greet" => Script::Greet(text()),
            "refused" => Script::Refused,
            other => panic!("{}: no server is called {other:?}", self.name),
        }
    }

    fn step(&self, index: usize, block: &Block, proxy: &Proxy, client: &mut Option<Client>) {
        match block.keyword.as_str() {
            "connect" => {
                drop(client.take());
                *client = Some(proxy.connect(&block.argument));
                return;
            }
            "connect-unix" => {
                drop(client.take());
                *client = Some(proxy.connect_unix(&block.argument));
                return;
            }
            "send" | "receive" | "receive-head" | "status" | "take" | "drain" | "rest" | "end"
            | "shut" => {}
            _ => return,
        }
        let client = client.get_or_insert_with(|| proxy.connect("web"));
        let seen = match block.keyword.as_str() {
            "send" => return client.send_maybe(unescape(&block.text)),
            "shut" => return client.shut(),
            "end" => return client.ended(),
            "drain" => return drop(client.take(block.argument.parse().unwrap())),
            "status" => {
                let status = client.message().unwrap_or_default().status().to_string();
                return assert_eq!(status, block.argument, "{}", proxy.said());
            }
            "receive" => client.message().unwrap_or_default().show(),
            "receive-head" => client.head().unwrap_or_default().into_bytes(),
            "take" => client.take(unescape(&block.text).len()),
            _ => client.rest(),
        };
        let seen = escape(&seen);
        let seen = if block.text.contains("content-length: LEN") {
            normal::content_length(&seen)
        } else {
            seen
        };
        self.compare(index, proxy, &normal::ports(&seen));
    }

    fn check_log(&self, index: usize, proxy: &Proxy) {
        let count = self.blocks[index].text.lines().count();
        if blessing() {
            thread::sleep(Duration::from_millis(300));
        }
        let lines = proxy.process.stdout.wait_for_count(if blessing() { 0 } else { count });
        let expected = &self.blocks[index].text;
        let lines: Vec<String> = lines
            .iter()
            .zip(expected.lines().map(Some).chain(std::iter::repeat(None)))
            .map(|(line, expected)| {
                let has = |word| expected.is_some_and(|expected: &str| expected.contains(word));
                let line = normal::log_line(line);
                let line = if has(" BYTES ") { normal::bytes(&line) } else { line };
                let line = if has(" CONNS ") { normal::connections(&line) } else { line };
                line + "\n"
            })
            .collect();
        self.compare(index, proxy, &lines.concat());
    }

    /// Fails unless what was seen is what the block says.
    fn compare(&self, index: usize, proxy: &Proxy, seen: &str) {
        let expected = &self.blocks[index].text;
        if seen == expected {
            return;
        }
        if blessing() && proxy.peer == Peer::Haproxy {
            return self.bless(index, seen);
        }
        let block = &self.blocks[index];
        let said = proxy.said();
        panic!(
            "-- {} {}\nexpected:\n{expected}\nseen:\n{seen}\nit said:\n{said}",
            block.keyword, block.argument
        );
    }

    /// Writes what the oracle did into the file.
    fn bless(&self, index: usize, seen: &str) {
        static FILES: Mutex<()> = Mutex::new(());
        let files = FILES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let text = fs::read_to_string(&self.file).unwrap();
        let start = text.find(&format!("\n== {}\n", self.name)).unwrap() + 1;
        let (before, rest) = text.split_at(start);
        let end = rest.find("\n== ").map_or(rest.len(), |at| at + 1);
        let (own, after) = rest.split_at(end);
        let mut parts: Vec<String> = own.split("\n-- ").map(str::to_owned).collect();
        let nth = parts.len() - (self.blocks.len() - index);
        let head = parts[nth].lines().next().unwrap_or_default().to_owned();
        parts[nth] = format!("{head}\n{}", seen.strip_suffix('\n').unwrap_or(seen));
        let last = match nth + 1 == parts.len() {
            true if after.is_empty() => "\n",
            true => "\n\n",
            false => "",
        };
        fs::write(&self.file, format!("{before}{}{last}{after}", parts.join("\n-- "))).unwrap();
        drop(files);
    }
}

/// Whether the oracle's behaviour is to be written down: `LUAPROXY_BLESS=1 cargo test -- haproxy`.
fn blessing() -> bool {
    env::var_os("LUAPROXY_BLESS").is_some()
}
