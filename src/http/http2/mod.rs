//! HTTP/2 heads: made of what the `h2` crate reads, and into what it writes (RFC 9113 8).
//!
//! Knows no stream and no frame: what a peer's lists of headers mean, and which of ours may be sent.

use ::http::HeaderMap;
use ::http::HeaderName;
use ::http::HeaderValue;
use ::http::StatusCode;
use ::http::Uri;
use ::http::request;
use ::http::response;
use base64::Engine as _;
use bytes::BytesMut;
use h2::ext::Protocol;
use sha1::Digest as _;
use sha1::Sha1;

use super::Body;
use super::Error;
use super::Headers;
use super::Limits;
use super::Method;
use super::Request;
use super::Response;
use super::Text;
use super::Version;
use super::connection;
use super::h1;
use super::h1::Framing;
use super::list;
use super::status;
use super::uri;

/// What a connection begins with that speaks HTTP/2 from its first byte.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The protocol of an extended CONNECT that is known here (RFC 8441).
const WEBSOCKET: &str = "websocket";

/// What is said of a connection in HTTP/1 and not here (RFC 9113 8.2.2).
const FORBIDDEN: &[&[u8]] =
    &[b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"];

/// Returns a request, and what its head says of its body; `ended` is one without.
///
/// An extended CONNECT becomes the request for an upgrade that HTTP/1 has for it; `key` is its
/// `Sec-WebSocket-Key`.
pub fn read_request(
    head: &request::Parts,
    ended: bool,
    limits: &Limits,
    key: impl FnOnce() -> Text,
) -> Result<(Request, Framing), Error> {
    let protocol = head.extensions.get::<Protocol>().map(Protocol::as_str);
    let extended = protocol.is_some_and(|name| name.eq_ignore_ascii_case(WEBSOCKET));
    if protocol.is_some() && !extended {
        return Err(Error::Upgrade);
    }
    let method = if extended {
        Method::Get
    } else {
        Method::from_text(Text::copy_from_slice(head.method.as_str().as_bytes()))
    };
    let authority =
        head.uri.authority().map(|name| Text::copy_from_slice(name.as_str().as_bytes()));
    if authority.as_ref().is_some_and(|name| name.contains(&b'@')) {
        return Err(Error::Uri);
    }
    let target = target(&head.uri, &method);
    let mut headers = Headers::with_capacity(head.headers.len().saturating_add(2));
    if let Some(host) = &authority {
        headers.push(Text::from_static(b"host"), host.clone());
    }
    // HAProxy: the authority says where to, whatever `Host` says (RFC 9113 8.3.1).
    read_headers(&head.headers, &mut headers, |name| authority.is_some() && name == "host");
    if headers.len() > limits.headers {
        return Err(Error::TooMany);
    }
    h1::check_target(&method, &target, headers.first("host").map(|host| &host[..]))?;
    if extended {
        headers.push(Text::from_static(b"connection"), Text::from_static(b"upgrade"));
        headers.push(Text::from_static(b"upgrade"), Text::from_static(b"websocket"));
        headers.push(Text::from_static(b"sec-websocket-key"), key());
    }
    let request = Request { method, uri: target, version: Version::Http2, headers };
    let said = h1::strict_request_framing(&request)?;
    let body = match said.body {
        _ if request.method == Method::Connect || extended => Body::None,
        Body::None if !ended => Body::Chunked,
        body => body,
    };
    let expect = request.headers.contains_token("expect", "100-continue") && !ended;
    Ok((request, Framing { body, keep_alive: true, upgrade: extended, expect }))
}

/// Returns the target as HAProxy has it: whole, unless there is no authority.
fn target(uri: &Uri, method: &Method) -> Text {
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    match (uri.scheme_str(), uri.authority()) {
        (_, Some(authority)) if *method == Method::Connect => {
            Text::copy_from_slice(authority.as_str().as_bytes())
        }
        (Some(scheme), Some(authority)) if path != "*" => {
            [scheme, "://", authority.as_str(), path].concat().into()
        }
        _ => Text::copy_from_slice(path.as_bytes()),
    }
}

/// Adds header lines; those of cookies become one (RFC 9113 8.2.3).
fn read_headers(map: &HeaderMap, headers: &mut Headers, skip: impl Fn(&HeaderName) -> bool) {
    let size = map.iter().fold(0_usize, |sum, (name, value)| {
        sum.saturating_add(name.as_str().len()).saturating_add(value.len())
    });
    let mut text = BytesMut::with_capacity(size);
    let mut take = |part: &[u8]| {
        text.extend_from_slice(part);
        text.split().freeze()
    };
    let mut cookies: Option<Vec<u8>> = None;
    for (name, value) in map {
        let value = value.as_bytes().trim_ascii();
        if name == ::http::header::COOKIE {
            match &mut cookies {
                Some(cookies) => cookies.extend_from_slice(&[b"; ", value].concat()),
                None => cookies = Some(value.to_vec()),
            }
        } else if !skip(name) {
            let name = take(name.as_str().as_bytes());
            headers.push(name, take(value));
        }
    }
    if let Some(cookies) = cookies {
        headers.push(Text::from_static(b"cookie"), cookies.into());
    }
}

/// Returns the trailers of a message.
pub fn read_trailers(map: &HeaderMap) -> Headers {
    let mut headers = Headers::new();
    read_headers(map, &mut headers, |_| false);
    headers
}

/// Returns a response, and what its head says of its body; `ended` is one without.
pub fn read_response(
    head: &response::Parts,
    ended: bool,
    method: &Method,
    limits: &Limits,
) -> Result<(Response, Framing), Error> {
    let mut headers = Headers::with_capacity(head.headers.len());
    read_headers(&head.headers, &mut headers, |_| false);
    if headers.len() > limits.headers {
        return Err(Error::TooMany);
    }
    let code = head.status.as_u16();
    let reason = Text::from_static(status::reason(code).as_bytes());
    let response = Response { version: Version::Http2, status: code, reason, headers };
    let said = h1::strict_response_framing(&response, method)?;
    let body = match said.body {
        Body::UntilClose if ended => Body::Length(0),
        Body::UntilClose => Body::Chunked,
        body => body,
    };
    Ok((response, Framing { body, keep_alive: true, upgrade: false, expect: false }))
}

/// Returns the answer to a request for WebSocket, where an extended CONNECT was sent for it and was
/// granted; `key` is that of the request.
pub fn upgraded(response: Response, key: Option<&Text>) -> (Response, Framing) {
    let mut made = Response { headers: response.headers, ..Response::new(101) };
    made.headers.push(Text::from_static(b"connection"), Text::from_static(b"upgrade"));
    made.headers.push(Text::from_static(b"upgrade"), Text::from_static(b"websocket"));
    if let Some(key) = key {
        // RFC 6455 4.2.2.
        let sum = Sha1::digest([key, &b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"[..]].concat());
        let accept = base64::engine::general_purpose::STANDARD.encode(sum);
        made.headers.push(Text::from_static(b"sec-websocket-accept"), accept.into());
    }
    let framing = Framing { body: Body::Tunnel, keep_alive: false, upgrade: true, expect: false };
    (made, framing)
}

/// Returns a response as it is sent to a client. The answer to an upgrade is that to the extended
/// CONNECT which has asked for it.
pub fn write_response(response: &Response) -> Result<::http::Response<()>, Error> {
    let upgraded = response.status == 101;
    let code = if upgraded { 200 } else { response.status };
    let mut out = ::http::Response::new(());
    *out.status_mut() = StatusCode::from_u16(code).map_err(|_| Error::Status)?;
    let own = |name: &[u8]| upgraded && name == b"sec-websocket-accept";
    write_headers(&response.headers, out.headers_mut(), own)?;
    Ok(out)
}

/// Returns a request as it is sent to a server; `scheme` is that of the connection.
///
/// The request for an upgrade to WebSocket becomes an extended CONNECT.
pub fn write_request(request: &Request, scheme: &str) -> Result<::http::Request<()>, Error> {
    let upgrade = connection::is_upgrade(&request.headers);
    let parts = uri::split(&request.uri);
    let authority = request.host().map(|host| &host[..]).or(parts.authority);
    let mut out = ::http::Request::new(());
    let method = if upgrade { b"CONNECT" } else { request.method.as_bytes() };
    *out.method_mut() = ::http::Method::from_bytes(method).map_err(|_| Error::Method)?;
    let mut target = ::http::uri::Parts::default();
    if request.method == Method::Connect {
        target.authority = Some(parse(&request.uri)?);
    } else {
        let path = parts.pathq.unwrap_or(if request.uri == "*" { b"*" } else { b"/" });
        target.path_and_query = Some(parse(path)?);
        // HTTP/1.0 has requests that name no place: then neither is the scheme given here.
        if let Some(authority) = authority.filter(|name| !name.is_empty()) {
            target.authority = Some(parse(authority)?);
            target.scheme = Some(parse(parts.scheme.unwrap_or(scheme.as_bytes()))?);
        }
    }
    let named = target.authority.is_some();
    *out.version_mut() = if named { ::http::Version::HTTP_2 } else { ::http::Version::HTTP_11 };
    *out.uri_mut() = Uri::from_parts(target).map_err(|_| Error::Uri)?;
    if upgrade {
        out.extensions_mut().insert(Protocol::from_static(WEBSOCKET));
    }
    let own = |name: &[u8]| {
        name == b"host" && named
            || upgrade && matches!(name, b"sec-websocket-key" | b"content-length")
    };
    write_headers(&request.headers, out.headers_mut(), own)?;
    Ok(out)
}

/// Returns trailers as they are sent.
pub fn write_trailers(trailers: &Headers) -> Result<HeaderMap, Error> {
    let mut map = HeaderMap::new();
    write_headers(trailers, &mut map, |_| false)?;
    Ok(map)
}

fn parse<'a, T: TryFrom<&'a [u8]>>(text: &'a [u8]) -> Result<T, Error> {
    T::try_from(text).map_err(|_| Error::Uri)
}

/// Adds all lines but those that belong to the connection, and those that `skip` names.
fn write_headers(
    headers: &Headers,
    map: &mut HeaderMap,
    skip: impl Fn(&[u8]) -> bool,
) -> Result<(), Error> {
    map.reserve(headers.len());
    for line in headers {
        let nominated = || {
            let mut lines = headers.lines(b"connection");
            lines.any(|tokens| list::contains(tokens, &line.name))
        };
        let te = line.is(b"te");
        if FORBIDDEN.iter().any(|name| line.is(name)) || skip(&line.name) || !te && nominated() {
            continue;
        }
        if te && !list::contains(&line.value, b"trailers") {
            continue;
        }
        let name = HeaderName::from_bytes(&line.name).map_err(|_| Error::Name)?;
        let value = if te {
            HeaderValue::from_static("trailers")
        } else {
            HeaderValue::from_maybe_shared(line.value.clone()).map_err(|_| Error::Value)?
        };
        map.try_append(name, value).map_err(|_| Error::TooMany)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
