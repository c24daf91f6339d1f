//! Commands that show what there is.

use super::Call;
use crate::proxy::Admin;
use crate::proxy::Caps;
use crate::proxy::Proxy;
use crate::proxy::info;
use crate::proxy::stat;
use crate::proxy::stat::Cell;
use crate::proxy::stat::Subject;

pub(super) fn backend(call: &Call<'_>) -> Result<String, String> {
    let backends = call.set.iter().filter(|proxy| proxy.caps.backend);
    Ok(backends.fold("# name\n".to_owned(), |text, proxy| text + &proxy.name + "\n"))
}

pub(super) fn cli_level(call: &Call<'_>) -> Result<String, String> {
    Ok(format!("{}\n", call.level.name()))
}

pub(super) fn env(call: &Call<'_>) -> Result<String, String> {
    let all = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        let wanted = call.word(0).is_none_or(|wanted| wanted == name);
        wanted.then(|| format!("{name}={}\n", value.to_string_lossy()))
    });
    let text: String = all.collect();
    if text.is_empty() { Err("Variable not found".to_owned()) } else { Ok(text) }
}

pub(super) fn info(call: &Call<'_>) -> Result<String, String> {
    let lines = info::TABLE.iter().filter_map(|line| {
        let cell = line.of(call.set)?;
        Some(format!("{}: {}\n", line.name, shown(&cell)))
    });
    Ok(lines.collect())
}

pub(super) fn version(_: &Call<'_>) -> Result<String, String> {
    Ok(format!("{}\n", env!("CARGO_PKG_VERSION")))
}

/// The other forms that HAProxy gives counters.
const FORMS: &[&str] = &["desc", "domain", "json", "no-maint", "typed", "up"];

/// `show stat [<iid|proxy> <type> <sid>]`
pub(super) fn stat(call: &Call<'_>) -> Result<String, String> {
    let number = |index: usize| call.word(index).map_or(Some(-1), |word| word.parse::<i64>().ok());
    let proxy = call.word(0).unwrap_or("-1");
    let mut rest = (0..).map_while(|index| call.word(index)).skip(3);
    if let Some(word) = rest.next().or_else(|| FORMS.contains(&proxy).then_some(proxy)) {
        return Err(format!("'{word}' is not supported by 'show stat'."));
    }
    let (Some(kinds), Some(sid)) = (number(1), number(2)) else {
        return Err("Invalid type or server id.".to_owned());
    };
    let is_wanted = |it: &Proxy| {
        proxy == it.name
            || proxy.parse::<i64>().is_ok_and(|id| id == -1 || id == i64::from(it.uuid))
    };
    if proxy != "-1" && !call.set.iter().any(|it| is_wanted(it)) {
        return Err("No such proxy.".to_owned());
    }
    let kind = |bit: i64| kinds == -1 || kinds & bit != 0;
    let mut text = stat::TABLE.iter().fold("# ".to_owned(), |text, it| text + it.name + ",");
    text.push('\n');
    for it in call.set.iter().filter(|it| is_wanted(it)) {
        if it.caps.frontend && kind(1) && sid <= 0 {
            text.push_str(&line(Subject::Frontend(it)));
        }
        for server in it.servers.iter().filter(|server| sid == -1 || sid == i64::from(server.puid))
        {
            if kind(4) {
                text.push_str(&line(Subject::Server(it, server)));
            }
        }
        if it.caps.backend && kind(2) && sid <= 0 {
            text.push_str(&line(Subject::Backend(it)));
        }
    }
    Ok(text)
}

fn line(subject: Subject<'_>) -> String {
    let cells = stat::TABLE.iter().map(|column| column.of(subject));
    let text = cells.fold(String::new(), |text, cell| {
        text + &cell.as_ref().map(shown).unwrap_or_default() + ","
    });
    text + "\n"
}

fn shown(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => text.clone().into_owned(),
    }
}

/// The fields of HAProxy's state file, version 1.
const STATE: &str = "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state \
                     srv_uweight srv_iweight srv_time_since_last_change srv_check_status \
                     srv_check_result srv_check_health srv_check_state srv_agent_state \
                     bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl \
                     srv_check_port srv_check_addr srv_agent_addr srv_agent_port";

pub(super) fn servers_state(call: &Call<'_>) -> Result<String, String> {
    let caps = Caps { backend: true, frontend: false };
    if let Some(name) = call.word(0)
        && call.set.find_named(name, caps).is_none()
    {
        return Err("Can't find backend.".to_owned());
    }
    let mut text = format!("1\n{STATE}\n");
    let wanted = |it: &&std::sync::Arc<Proxy>| call.word(0).is_none_or(|name| name == it.name);
    for it in call.set.iter().filter(wanted) {
        for server in &it.servers {
            let addr = server.current_addr();
            let ip = addr.ip().map_or_else(|| "-".to_owned(), |ip| ip.to_string());
            // HAProxy: 1 forced maintenance, 4 maintenance by the configuration, 8 forced drain.
            let admin = match server.admin() {
                Admin::Maint if server.disabled => 5,
                Admin::Maint => 1,
                Admin::Drain => 8,
                Admin::Ready => 0,
            };
            let (id, name, weight, first) =
                (server.puid, &server.name, server.current_weight(), server.weight);
            let state = if server.is_running() { 2 } else { 0 };
            let (since, port) = (server.since(), addr.port().unwrap_or(0));
            text.push_str(&format!(
                "{} {} {id} {name} {ip} {state} {admin} {weight} {first} {since} 1 0 0 0 0 0 0 - \
                 {port} - 0 0 - - 0\n",
                it.uuid, it.name
            ));
        }
    }
    Ok(text)
}
