//! Commands that change servers and frontends.

use std::sync::Arc;

use super::Call;
use crate::proxy::Admin;
use crate::proxy::Caps;
use crate::proxy::Proxy;
use crate::proxy::Server;

/// Who changes something, in HAProxy's words.
const BY: &str = "stats socket command";

pub(super) fn set_server(call: &Call<'_>) -> Result<String, String> {
    let (proxy, server) = find(call)?;
    let word = |index: usize| call.word(index).unwrap_or_default();
    match word(1) {
        "addr" => {
            let port = (word(3) == "port").then(|| word(4));
            let said = proxy.set_addr(&server, word(2), port, BY);
            Ok(said.unwrap_or_else(|why| format!("{why} by '{BY}'")) + "\n")
        }
        "state" => match word(2) {
            "ready" => Ok(set_admin(&proxy, &server, Admin::Ready)),
            "drain" => Ok(set_admin(&proxy, &server, Admin::Drain)),
            "maint" => Ok(set_admin(&proxy, &server, Admin::Maint)),
            _ => Err("'set server <srv> state' expects 'ready', 'drain' and 'maint'.".to_owned()),
        },
        "health" => match word(2) {
            "up" => Ok(set_up(&proxy, &server, true)),
            "down" => Ok(set_up(&proxy, &server, false)),
            _ => Err("'set server <srv> health' expects 'up' or 'down'.".to_owned()),
        },
        "weight" => done(proxy.set_weight(&server, word(2))),
        _ => Err("usage: set server <backend>/<server> addr | health | state | weight".to_owned()),
    }
}

pub(super) fn get_weight(call: &Call<'_>) -> Result<String, String> {
    let (_, server) = find(call)?;
    Ok(format!("{} (initial {})\n", server.current_weight(), server.weight))
}

pub(super) fn set_weight(call: &Call<'_>) -> Result<String, String> {
    let (proxy, server) = find(call)?;
    done(proxy.set_weight(&server, call.word(1).unwrap_or_default()))
}

pub(super) fn set_maxconn(call: &Call<'_>) -> Result<String, String> {
    let (proxy, server) = find(call)?;
    done(proxy.set_maxconn(&server, call.word(1).unwrap_or_default()))
}

pub(super) fn disable_server(call: &Call<'_>) -> Result<String, String> {
    let (proxy, server) = find(call)?;
    Ok(set_admin(&proxy, &server, Admin::Maint))
}

pub(super) fn enable_server(call: &Call<'_>) -> Result<String, String> {
    let (proxy, server) = find(call)?;
    Ok(set_admin(&proxy, &server, Admin::Ready))
}

pub(super) fn disable_frontend(call: &Call<'_>) -> Result<String, String> {
    let frontend = frontend(call)?;
    if frontend.is_paused() {
        return Err("Frontend is already disabled.".to_owned());
    }
    frontend.pause();
    Ok(String::new())
}

pub(super) fn enable_frontend(call: &Call<'_>) -> Result<String, String> {
    match frontend(call)?.resume() {
        true => Ok(String::new()),
        false => Err("All sockets are already enabled.".to_owned()),
    }
}

pub(super) fn shutdown_frontend(call: &Call<'_>) -> Result<String, String> {
    frontend(call)?.stop();
    Ok(String::new())
}

fn frontend<'a>(call: &Call<'a>) -> Result<&'a Arc<Proxy>, String> {
    let name = call.word(0).ok_or("A frontend name is expected.")?;
    let caps = Caps { frontend: true, backend: false };
    let frontend = call.set.find_named(name, caps).ok_or("No such frontend.")?;
    if frontend.is_stopped() {
        return Err("Frontend was previously shut down.".to_owned());
    }
    Ok(frontend)
}

fn find(call: &Call<'_>) -> Result<(Arc<Proxy>, Arc<Server>), String> {
    let path = call.word(0).and_then(|path| path.split_once('/'));
    let (backend, server) = path.ok_or("Require 'backend/server'.")?;
    let caps = Caps { backend: true, frontend: false };
    let proxy = call.set.find_named(backend, caps).ok_or("No such backend.")?;
    let found = proxy.servers.iter().find(|known| known.name == server);
    Ok((Arc::clone(proxy), Arc::clone(found.ok_or("No such server.")?)))
}

fn set_admin(proxy: &Arc<Proxy>, server: &Arc<Server>, admin: Admin) -> String {
    proxy.set_admin(server, admin);
    String::new()
}

fn set_up(proxy: &Arc<Proxy>, server: &Arc<Server>, up: bool) -> String {
    proxy.set_up(server, up);
    String::new()
}

fn done(result: Result<(), &'static str>) -> Result<String, String> {
    result.map(|()| String::new()).map_err(str::to_owned)
}
