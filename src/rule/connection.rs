//! Actions on the connection and on how it is treated: addresses, niceness, log level.

use crate::net::Addr;
use crate::task;
use crate::txn::Direction;
use crate::txn::Txn;
use crate::value::Type;
use crate::value::Value;

use super::action;
use super::action::Act;
use super::action::Action;
use super::action::Done;
use super::parse::Failed;
use super::parse::Parser;

/// The names of log levels; their numbers are their indices.
const LEVELS: &[&str] = &["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// `expect-proxy layer4`
pub(super) fn expect_proxy(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    if !parser.take_keyword("layer4") {
        let message = "only supports 'layer4' in 'tcp-request connection expect-proxy'";
        return Err(parser.fail(message));
    }
    Ok(parser.act(ExpectProxy))
}

/// `set-src <sample>`
pub(super) fn set_src(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    end(parser, End { source: true, port: false })
}

/// `set-src-port <sample>`
pub(super) fn set_src_port(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    end(parser, End { source: true, port: true })
}

/// `set-dst <sample>`
pub(super) fn set_dst(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    end(parser, End { source: false, port: false })
}

/// `set-dst-port <sample>`
pub(super) fn set_dst_port(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    end(parser, End { source: false, port: true })
}

/// `set-nice <nice>`
pub(super) fn set_nice(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let [word] = parser.arguments("expects exactly 1 argument (integer value)")?;
    let Ok(nice) = word.text.parse::<i32>() else {
        return Err(parser.fail_at_last("expects exactly 1 argument (integer value)"));
    };
    Ok(parser.act(Nice(nice.clamp(-1024, 1024))))
}

/// `set-log-level { silent | <level> }`
pub(super) fn set_log_level(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let message = "expects exactly 1 argument (log level name or 'silent')";
    let [word] = parser.arguments(message)?;
    let level = match word.text.as_str() {
        "silent" => Some(-1),
        name => LEVELS.iter().position(|known| *known == name).and_then(|n| i8::try_from(n).ok()),
    };
    match level {
        Some(level) => Ok(parser.act(LogLevel(level))),
        None => Err(parser.fail_at_last(message)),
    }
}

fn end(parser: &mut Parser<'_>, end: End) -> Result<Action, Failed> {
    let _input = parser.expr()?;
    Ok(parser.act(end))
}

/// An address or port of one end of the client's connection.
#[derive(Clone, Copy, Debug)]
struct End {
    source: bool,
    port: bool,
}

impl Act for End {
    fn run(&self, txn: &mut Txn, inputs: &mut [Option<Value>], _: Direction) -> Done {
        let session = &txn.session;
        let mut addr = if self.source { &session.src } else { &session.dst }.borrow_mut();
        let wanted = if self.port { Type::Sint } else { Type::Addr };
        let Some(value) = action::take(inputs, 0).and_then(|value| value.cast(wanted)) else {
            return Done::NEXT;
        };
        let ip = match value {
            Value::Ipv4(ip) => Some(ip.into()),
            Value::Ipv6(ip) => Some(ip.into()),
            Value::Int(port) => {
                if let Ok(port) = u16::try_from(port) {
                    // HAProxy: a port makes an address of another family `0.0.0.0`.
                    let ip = addr.ip().unwrap_or_else(|| std::net::Ipv4Addr::UNSPECIFIED.into());
                    *addr = Addr::Inet((ip, port).into());
                }
                None
            }
            Value::Bool(_) | Value::Str(_) | Value::Bin(_) | Value::Meth(_) => None,
        };
        if let Some(ip) = ip {
            let ip: std::net::IpAddr = ip;
            *addr = Addr::Inet((ip, 0).into());
        }
        Done::NEXT
    }
}

#[derive(Debug)]
struct ExpectProxy;

impl Act for ExpectProxy {
    fn run(&self, txn: &mut Txn, _: &mut [Option<Value>], _: Direction) -> Done {
        txn.session.expect_proxy.set(true);
        Done::NEXT
    }
}

#[derive(Debug)]
struct Nice(i32);

impl Act for Nice {
    fn run(&self, _: &mut Txn, _: &mut [Option<Value>], _: Direction) -> Done {
        task::set_nice(self.0);
        Done::NEXT
    }
}

#[derive(Debug)]
struct LogLevel(i8);

impl Act for LogLevel {
    fn run(&self, txn: &mut Txn, _: &mut [Option<Value>], _: Direction) -> Done {
        txn.log_level = Some(self.0);
        Done::NEXT
    }
}
