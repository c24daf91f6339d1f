//! A script in a call that does not come back: its worker is lost for as long, the proxy is not.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use libtest_mimic::Trial;

use crate::support::case;
use crate::support::case::Scenario;
use crate::support::client::Client;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

const LIST: &[Scenario] =
    &[("others_take_the_connections_of_a_stuck_worker", others_take_the_connections)];

/// Opening the pipe waits for the other side, in C.
const SCRIPT: &str = "
core.register_fetches('wait', function()
    local pipe = io.open('pipe')
    local line = pipe:read('*l')
    pipe:close()
    return line
end)
";

const CONFIG: &str = "
global
    nbthread 2
    lua-load-per-thread script.lua
    tune.lua.session-timeout 1h
    tune.lua.burst-timeout 1h
defaults
    mode http
    timeout connect 30s
    timeout client 30s
    timeout server 30s
listen web
    bind 127.0.0.1:0
    http-request return status 200 content-type text/plain lf-string \"%[lua.wait]\" if { path /wait }
    http-request return status 200 content-type text/plain string done
";

pub(crate) fn trials() -> Vec<Trial> {
    // HAProxy has nothing to show here: its other threads leave them waiting.
    let mut trials = case::scenarios("lua", LIST);
    trials.retain(|trial| trial.name().ends_with(Peer::Luaproxy.name()));
    trials
}

fn others_take_the_connections(peer: Peer) {
    let setup = Setup::new(peer).file("script.lua", SCRIPT);
    let pipe = setup.folder().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let proxy = setup.start(CONFIG);
    let addr = listening(&proxy);
    for stalls in 1..=2 {
        let mut stuck = Client::connect(addr).unwrap();
        stuck.send("GET /wait HTTP/1.1\r\nhost: x\r\n\r\n");
        // From here on it does nothing else: before, it could have accepted some of what follows.
        let held = "a call in C has held";
        proxy.until(|| (proxy.said().matches(held).count() == stalls).then_some(()));
        // The kernel gives about half of them to either worker.
        let mut clients: Vec<_> = (0..32).map(|_| Client::connect(addr).unwrap()).collect();
        for client in &mut clients {
            client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
        }
        for client in &mut clients {
            assert_eq!(client.message().expect("each is answered").text(), "done");
        }
        fs::write(&pipe, "back\n").unwrap();
        assert_eq!(stuck.message().expect("the script went on").text(), "back");
    }
    proxy.stop();
}

/// Returns where the proxy listens, with the port that the system chose.
fn listening(proxy: &Proxy) -> SocketAddr {
    let process = format!("/proc/{}", proxy.process.id());
    proxy.until(|| {
        let table = fs::read_to_string(format!("{process}/net/tcp")).unwrap();
        let sockets: Vec<_> = fs::read_dir(format!("{process}/fd"))
            .unwrap()
            .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
            .collect();
        table.lines().find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, local, _, "0A", .., inode] = fields.get(..10)? else { return None };
            let owned =
                sockets.iter().any(|socket| socket.as_os_str() == &*format!("socket:[{inode}]"));
            let port = local.split_once(':').filter(|_| owned)?.1;
            Some(SocketAddr::from(([127, 0, 0, 1], u16::from_str_radix(port, 16).ok()?)))
        })
    })
}
