//! Converters that look up a map, by how keys are compared and what values are.

use std::sync::Arc;

use crate::sample::argument::Argument;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::context::Ctx;
use crate::sample::context::Env;
use crate::sample::error::Reason;
use crate::sample::pattern::Map;
use crate::sample::pattern::Method;
use crate::sample::pattern::Output;
use crate::value::Type;
use crate::value::Value;

use super::Converter;

/// Returns the row of a map.
const fn map(
    name: &'static str,
    method: Method,
    out: Type,
    check: fn(&mut Arguments, &Env<'_>) -> Result<(), Reason>,
) -> Converter {
    let input = match method {
        Method::Int => Type::Sint,
        Method::Ip => Type::Addr,
        _ => Type::Str,
    };
    Converter::new(name, input, out, run, "looks up a map")
        .takes(&[Kind::Map, Kind::Str])
        .required(1)
        .checked(check)
}

#[rustfmt::skip]
pub(super) const TABLE: &[Converter] = &[
    map("map", Method::Str, Type::Str, |a, _| open(a, Method::Str, Output::Str)),
    map("map_beg", Method::Beg, Type::Str, |a, _| open(a, Method::Beg, Output::Str)),
    map("map_beg_int", Method::Beg, Type::Sint, |a, _| open(a, Method::Beg, Output::Int)),
    map("map_beg_ip", Method::Beg, Type::Addr, |a, _| open(a, Method::Beg, Output::Ip)),
    map("map_beg_key", Method::Beg, Type::Str, |a, _| open(a, Method::Beg, Output::Key)),
    map("map_dir", Method::Dir, Type::Str, |a, _| open(a, Method::Dir, Output::Str)),
    map("map_dir_int", Method::Dir, Type::Sint, |a, _| open(a, Method::Dir, Output::Int)),
    map("map_dir_ip", Method::Dir, Type::Addr, |a, _| open(a, Method::Dir, Output::Ip)),
    map("map_dir_key", Method::Dir, Type::Str, |a, _| open(a, Method::Dir, Output::Key)),
    map("map_dom", Method::Dom, Type::Str, |a, _| open(a, Method::Dom, Output::Str)),
    map("map_dom_int", Method::Dom, Type::Sint, |a, _| open(a, Method::Dom, Output::Int)),
    map("map_dom_ip", Method::Dom, Type::Addr, |a, _| open(a, Method::Dom, Output::Ip)),
    map("map_dom_key", Method::Dom, Type::Str, |a, _| open(a, Method::Dom, Output::Key)),
    map("map_end", Method::End, Type::Str, |a, _| open(a, Method::End, Output::Str)),
    map("map_end_int", Method::End, Type::Sint, |a, _| open(a, Method::End, Output::Int)),
    map("map_end_ip", Method::End, Type::Addr, |a, _| open(a, Method::End, Output::Ip)),
    map("map_end_key", Method::End, Type::Str, |a, _| open(a, Method::End, Output::Key)),
    map("map_int", Method::Int, Type::Str, |a, _| open(a, Method::Int, Output::Str)),
    map("map_int_int", Method::Int, Type::Sint, |a, _| open(a, Method::Int, Output::Int)),
    map("map_int_ip", Method::Int, Type::Addr, |a, _| open(a, Method::Int, Output::Ip)),
    map("map_int_key", Method::Int, Type::Str, |a, _| open(a, Method::Int, Output::Key)),
    map("map_ip", Method::Ip, Type::Str, |a, _| open(a, Method::Ip, Output::Str)),
    map("map_ip_int", Method::Ip, Type::Sint, |a, _| open(a, Method::Ip, Output::Int)),
    map("map_ip_ip", Method::Ip, Type::Addr, |a, _| open(a, Method::Ip, Output::Ip)),
    map("map_ip_key", Method::Ip, Type::Str, |a, _| open(a, Method::Ip, Output::Key)),
    map("map_reg", Method::Reg, Type::Str, |a, _| open(a, Method::Reg, Output::Str)),
    map("map_reg_int", Method::Reg, Type::Sint, |a, _| open(a, Method::Reg, Output::Int)),
    map("map_reg_ip", Method::Reg, Type::Addr, |a, _| open(a, Method::Reg, Output::Ip)),
    map("map_reg_key", Method::Reg, Type::Str, |a, _| open(a, Method::Reg, Output::Key)),
    map("map_regm", Method::Reg, Type::Str, |a, _| open_groups(a)),
    map("map_str", Method::Str, Type::Str, |a, _| open(a, Method::Str, Output::Str)),
    map("map_str_int", Method::Str, Type::Sint, |a, _| open(a, Method::Str, Output::Int)),
    map("map_str_ip", Method::Str, Type::Addr, |a, _| open(a, Method::Str, Output::Ip)),
    map("map_str_key", Method::Str, Type::Str, |a, _| open(a, Method::Str, Output::Key)),
    map("map_sub", Method::Sub, Type::Str, |a, _| open(a, Method::Sub, Output::Str)),
    map("map_sub_int", Method::Sub, Type::Sint, |a, _| open(a, Method::Sub, Output::Int)),
    map("map_sub_ip", Method::Sub, Type::Addr, |a, _| open(a, Method::Sub, Output::Ip)),
    map("map_sub_key", Method::Sub, Type::Str, |a, _| open(a, Method::Sub, Output::Key)),
];

fn open(arguments: &mut Arguments, method: Method, output: Output) -> Result<(), Reason> {
    let map = Map::open(&arguments.lossy(0), method, output, arguments.text(1))?;
    arguments.set(0, Argument::Map(Arc::new(map)));
    Ok(())
}

fn open_groups(arguments: &mut Arguments) -> Result<(), Reason> {
    let map = Map::open_groups(&arguments.lossy(0), arguments.text(1))?;
    arguments.set(0, Argument::Map(Arc::new(map)));
    Ok(())
}

fn run(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    match arguments.get(0)? {
        Argument::Map(map) => map.find(value),
        _ => None,
    }
}
