//! Actions that HAProxy has and this proxy does not yet.

use super::Kind;

use Kind::HttpAfterResponse as HttpAfter;
use Kind::HttpRequest as HttpReq;
use Kind::HttpResponse as HttpRes;
use Kind::TcpRequestConnection as TcpConn;
use Kind::TcpRequestContent as TcpReq;
use Kind::TcpRequestSession as TcpSess;
use Kind::TcpResponseContent as TcpRes;

/// Names, and the rule sets in which HAProxy knows them; a name that ends with `*` is a beginning.
const KNOWN: &[(&str, &[Kind])] = &[
    ("add-acl*", &[HttpReq, HttpRes]),
    ("add-headers-bin", &[HttpReq, HttpRes, HttpAfter]),
    ("attach-srv", &[TcpSess]),
    ("cache-store", &[HttpRes]),
    ("cache-use", &[HttpReq]),
    ("close", &[TcpRes]),
    ("del-acl*", &[HttpReq, HttpRes, HttpAfter]),
    ("del-headers-bin", &[HttpReq, HttpRes, HttpAfter]),
    ("del-map*", &[HttpReq, HttpRes, HttpAfter]),
    ("disable-l7-retry", &[HttpReq]),
    ("do-log", Kind::ALL),
    ("do-resolve*", &[TcpReq, HttpReq]),
    ("early-hint", &[HttpReq]),
    ("expect-netscaler-cip", &[TcpConn]),
    ("normalize-uri", &[HttpReq]),
    ("pause", &[HttpReq, HttpRes]),
    ("sc-add-gpc*", Kind::ALL),
    ("sc-inc-gpc*", Kind::ALL),
    ("sc-inc-gpc0*", Kind::ALL),
    ("sc-inc-gpc1*", Kind::ALL),
    ("sc-set-gpt*", Kind::ALL),
    ("sc-set-gpt0*", Kind::ALL),
    ("send-spoe-group", &[TcpReq, TcpRes, HttpReq, HttpRes]),
    ("set-bandwidth-limit", &[TcpReq, TcpRes, HttpReq, HttpRes]),
    ("set-bc-mark", &[TcpReq, HttpReq]),
    ("set-bc-tos", &[TcpReq, HttpReq]),
    ("set-fc-mark", &[TcpConn, TcpSess, TcpReq, TcpRes, HttpReq, HttpRes]),
    ("set-fc-tos", &[TcpConn, TcpSess, TcpReq, TcpRes, HttpReq, HttpRes]),
    ("set-headers-bin", &[HttpReq, HttpRes, HttpAfter]),
    ("set-map*", &[HttpReq, HttpRes, HttpAfter]),
    ("set-mark", &[TcpConn, TcpSess, TcpReq, TcpRes, HttpReq, HttpRes]),
    ("set-priority-class", &[TcpReq, HttpReq]),
    ("set-priority-offset", &[TcpReq, HttpReq]),
    ("set-retries", &[TcpReq, HttpReq]),
    ("set-timeout", &[HttpReq, HttpRes]),
    ("set-tos", &[TcpConn, TcpSess, TcpReq, TcpRes, HttpReq, HttpRes]),
    ("switch-mode", &[TcpReq]),
    ("track-sc*", &[TcpConn, TcpSess, TcpReq, HttpReq, HttpRes]),
    ("wait-for-handshake", &[HttpReq]),
];

/// Tells whether HAProxy has this action for these rules.
pub(super) fn is_known(kind: Kind, name: &str) -> bool {
    KNOWN.iter().any(|(known, kinds)| {
        let same = match known.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == *known,
        };
        same && kinds.contains(&kind)
    })
}
