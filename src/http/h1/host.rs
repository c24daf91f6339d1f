//! Whether a request's target and its `Host` are well formed and name the same place.

use crate::http::Error;
use crate::http::Method;
use crate::http::Text;
use crate::http::uri;

/// Checks the target of a request and its `Host` (RFC 9112 3.2).
pub(in crate::http) fn check(
    method: &Method,
    target: &[u8],
    host: Option<&[u8]>,
) -> Result<(), Error> {
    // HAProxy: no fragment, no byte beyond ASCII.
    if target.contains(&b'#') || !target.is_ascii() {
        return Err(Error::Uri);
    }
    if host.is_some_and(|host| !is_host(host)) {
        return Err(Error::Host);
    }
    let connect = *method == Method::Connect;
    let parts = uri::split(target);
    let authority = match (parts.scheme, parts.authority) {
        (None, None) if !connect && (parts.pathq.is_some() || target == b"*") => return Ok(()),
        (Some(_), Some(authority)) if !connect => uri::without_user(authority),
        (None, Some(authority)) if connect => {
            let port = uri::host_port(authority).1.unwrap_or_default();
            (!port.is_empty()).then_some(authority).ok_or(Error::Uri)?
        }
        _ => return Err(Error::Uri),
    };
    // RFC 9110 4.2.1: a target that names no host is refused, with a port or without.
    if uri::host_port(authority).0.is_empty() || !is_host(authority) {
        return Err(Error::Uri);
    }
    match host {
        Some(host) if !same(parts.scheme, authority, host) => Err(Error::Host),
        _ => Ok(()),
    }
}

/// Returns target and `Host` without a port that goes without saying, where one is written.
///
/// HAProxy does this where the target names the place (RFC 9110 4.2.3); `None` is as before.
pub(super) fn normalize(target: &Text, host: Option<&Text>) -> (Option<Text>, Option<Text>) {
    let parts = uri::split(target);
    let Some(authority) = parts.authority else { return (None, None) };
    let short = without_default_port(parts.scheme, authority);
    if short.len() == authority.len() {
        return (None, None);
    }
    let host = host.and_then(|host| {
        let short = without_default_port(parts.scheme, host);
        (short.len() < host.len()).then(|| host.slice_ref(short))
    });
    let Some(scheme) = parts.scheme else { return (None, host) };
    let pathq = parts.pathq.unwrap_or_default();
    (Some([scheme, b"://", short, pathq].concat().into()), host)
}

/// Says whether this is a host with or without a port; an empty one is allowed (RFC 9110 7.2).
fn is_host(authority: &[u8]) -> bool {
    let (host, _) = uri::host_port(authority);
    match host {
        [b'[', address @ .., b']'] => {
            !address.is_empty()
                && address
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || b":.%_~-".contains(byte))
        }
        _ => host
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(byte)),
    }
}

fn same(scheme: Option<&[u8]>, authority: &[u8], host: &[u8]) -> bool {
    authority.eq_ignore_ascii_case(host)
        || without_default_port(scheme, authority)
            .eq_ignore_ascii_case(without_default_port(scheme, host))
}

/// Returns the authority without an empty port or the scheme's own; of `CONNECT`, both usual ones.
fn without_default_port<'a>(scheme: Option<&[u8]>, authority: &'a [u8]) -> &'a [u8] {
    let is = |other: &[u8]| scheme.is_none_or(|scheme| scheme.eq_ignore_ascii_case(other));
    match uri::host_port(authority) {
        (host, Some(b"")) => host,
        (host, Some(b"80")) if is(b"http") => host,
        (host, Some(b"443")) if is(b"https") => host,
        _ => authority,
    }
}
