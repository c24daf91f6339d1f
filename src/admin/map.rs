//! Commands about maps and ACL files.

use super::Call;
use crate::sample::pattern;
use crate::sample::pattern::Refusal;

const NO_MAP: &str = "Unknown map identifier. Please use #<id> or <file>.";
const NO_ACL: &str = "Unknown ACL identifier. Please use #<id> or <file>.";

pub(super) fn add_acl(call: &Call<'_>) -> Result<String, String> {
    let (Some(_), Some(key)) = (call.word(0), call.word(1)) else {
        let why = "'add acl' expects two parameters: ACL identifier and pattern.";
        return Err(why.to_owned());
    };
    changed(pattern::append(&file(call, false)?, &[(key.to_owned(), String::new())]))
}

pub(super) fn add_map(call: &Call<'_>) -> Result<String, String> {
    let (Some(_), Some(key), Some(value)) = (call.word(0), call.word(1), call.word(2)) else {
        let why = "'add map' expects three parameters (map identifier, key and value) or one \
                   parameter (map identifier) and a payload";
        return Err(why.to_owned());
    };
    changed(pattern::append(&file(call, true)?, &[(key.to_owned(), value.to_owned())]))
}

pub(super) fn set_map(call: &Call<'_>) -> Result<String, String> {
    let (Some(_), Some(key), Some(value)) = (call.word(0), call.word(1), call.word(2)) else {
        let why = "'set map' expects three parameters: map identifier, key and value.";
        return Err(why.to_owned());
    };
    match pattern::set(&file(call, true)?, key, value, false) {
        Ok(false) => Err("entry not found.".to_owned()),
        other => changed(other.map(drop)),
    }
}

pub(super) fn del(call: &Call<'_>) -> Result<String, String> {
    let key = call.word(1).ok_or("This command expects two parameters: identifier and key.")?;
    match pattern::remove(&any_file(call)?, key) {
        Ok(false) => Err("Key not found.".to_owned()),
        other => changed(other.map(drop)),
    }
}

pub(super) fn clear(call: &Call<'_>) -> Result<String, String> {
    changed(pattern::replace(&any_file(call)?, &[]))
}

pub(super) fn get_acl(call: &Call<'_>) -> Result<String, String> {
    get(call, false)
}

pub(super) fn get_map(call: &Call<'_>) -> Result<String, String> {
    get(call, true)
}

pub(super) fn show_acl(call: &Call<'_>) -> Result<String, String> {
    show(call, false)
}

pub(super) fn show_map(call: &Call<'_>) -> Result<String, String> {
    show(call, true)
}

fn get(call: &Call<'_>, map: bool) -> Result<String, String> {
    let value = call.word(1).ok_or("Missing value.")?;
    let file = file(call, map)?;
    let probes = pattern::probe(&file, value).map_err(|_| unknown(map))?;
    let lines = probes.into_iter().map(|probe| {
        let case = if probe.ignore_case { "insensitive" } else { "sensitive" };
        let (found, key) = if map { ("found", "key") } else { ("match", "pattern") };
        let end = match probe.entry {
            None => format!("{found}=no"),
            Some((pattern, value)) => {
                let value =
                    if map { format!(", value=\"{value}\", type=\"str\"") } else { String::new() };
                format!("{found}=yes, idx={}, {key}=\"{pattern}\"{value}", probe.index)
            }
        };
        format!("type={}, case={case}, {end}\n", probe.method)
    });
    Ok(lines.collect())
}

fn show(call: &Call<'_>, map: bool) -> Result<String, String> {
    if call.word(0).is_none() {
        let mut text = "# id (file) description\n".to_owned();
        for (id, (file, _)) in numbered(map) {
            let count = pattern::count(&file).unwrap_or_default();
            text.push_str(&format!(
                "{id} ({file}) pattern loaded from file '{file}'. curr_ver=0 next_ver=0 \
                 entry_cnt={count}\n"
            ));
        }
        return Ok(text);
    }
    let entries = pattern::entries(&file(call, map)?).map_err(|_| unknown(map))?;
    // HAProxy shows the address of an entry first; here it is its place.
    let lines = entries.iter().enumerate().map(|(place, (key, value))| match map {
        true => format!("0x{place:x} {key} {value}\n"),
        false => format!("0x{place:x} {key}\n"),
    });
    Ok(lines.collect())
}

fn numbered(map: bool) -> impl Iterator<Item = (usize, (String, bool))> {
    pattern::files().into_iter().enumerate().filter(move |(_, (_, is_map))| *is_map == map)
}

/// Returns the file that a command names, by its number or its name.
fn file(call: &Call<'_>, map: bool) -> Result<String, String> {
    let named = call.word(0).ok_or_else(|| unknown(map))?;
    let id = named.strip_prefix('#').and_then(|id| id.parse::<usize>().ok());
    let found = numbered(map).find(|(number, (file, _))| Some(*number) == id || file == named);
    found.map(|(_, (file, _))| file).ok_or_else(|| unknown(map))
}

fn any_file(call: &Call<'_>) -> Result<String, String> {
    file(call, true).or_else(|_| file(call, false)).map_err(|_| unknown(true))
}

fn unknown(map: bool) -> String {
    if map { NO_MAP } else { NO_ACL }.to_owned()
}

fn changed(result: Result<(), Refusal>) -> Result<String, String> {
    result.map(|()| String::new()).map_err(|why| format!("{why}."))
}
