//! Fetches of parameters, in the query and in a body that is a form.

use bytes::Bytes;

use crate::http::Request;
use crate::http::uri;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::context::Ctx;
use crate::sample::context::Env;
use crate::sample::error::Reason;
use crate::value::Type;
use crate::value::Value;

use super::Fetch;
use super::REQUEST;

pub(super) const TABLE: &[Fetch] = &[
    Fetch::new("req.body_param", Type::Bin, REQUEST, body_param, "a parameter in a form")
        .takes(&[Kind::Str, Kind::Str])
        .required(0)
        .checked(check_body_param),
    param("url_param"),
    param("urlp"),
    Fetch::new("urlp_val", Type::Sint, REQUEST, urlp_val, "a number in the query")
        .takes(&[Kind::Str, Kind::Str, Kind::Str])
        .required(0)
        .checked(check_param),
];

/// Returns the row of a parameter of the query.
const fn param(name: &'static str) -> Fetch {
    Fetch::new(name, Type::Str, REQUEST, url_param, "a parameter in the query")
        .takes(&[Kind::Str, Kind::Str, Kind::Str])
        .required(0)
        .checked(check_param)
        .each(each_param)
}

fn name(arguments: &Arguments) -> &[u8] {
    arguments.text(0).map(|name| &name[..]).unwrap_or_default()
}

fn check_option(arguments: &Arguments, index: usize) -> Result<(), Reason> {
    match arguments.text(index).map(|option| &option[..]) {
        None | Some(b"" | b"i") => Ok(()),
        Some(_) => Err(Reason::Custom("invalid flag, only 'i' is supported".to_owned())),
    }
}

fn check_param(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    if arguments.text(1).is_some_and(|delimiter| delimiter.len() > 1) {
        let message = "Delimiter of url_param must be a single character";
        return Err(Reason::Custom(message.to_owned()));
    }
    check_option(arguments, 2)
}

fn check_body_param(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    check_option(arguments, 1)
}

fn is_flagged(arguments: &Arguments, index: usize) -> bool {
    arguments.text(index).is_some_and(|option| &option[..] == b"i")
}

fn delimiter(arguments: &Arguments) -> u8 {
    arguments.text(1).and_then(|text| text.first().copied()).unwrap_or(b'?')
}

fn request<'a>(ctx: &Ctx<'a>) -> Option<&'a Request> {
    let request = ctx.txn.request.as_ref();
    ctx.set_may_change(request.is_none());
    request
}

fn find(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Bytes> {
    let delimiter = delimiter(arguments);
    request(ctx)?.url_param(name(arguments), delimiter, is_flagged(arguments, 2))
}

fn url_param(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    find(ctx, arguments).map(Value::Str)
}

fn each_param(ctx: &Ctx<'_>, arguments: &Arguments, found: &mut dyn FnMut(Value) -> bool) {
    let Some(request) = request(ctx) else { return };
    let (wanted, any_case) = (name(arguments), is_flagged(arguments, 2));
    for (name, value) in request.url_params(delimiter(arguments)) {
        let same = wanted.is_empty()
            || if any_case { name.eq_ignore_ascii_case(wanted) } else { name == wanted };
        if same && found(Value::Str(value)) {
            return;
        }
    }
}

fn urlp_val(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    let text = find(ctx, arguments)?;
    Some(Value::Int(Value::Str(text).to_int().unwrap_or_default()))
}

fn body_param(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    let body = ctx.txn.req.input();
    ctx.set_may_change(!ctx.txn.req.is_eof());
    let value = uri::param(body, name(arguments), b'&', is_flagged(arguments, 1))?;
    Some(Value::Bin(Bytes::copy_from_slice(value)))
}
