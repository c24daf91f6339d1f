//! Lists of certificates: on each line a file, options in brackets, names.

use crate::net::tls::Acceptor;
use crate::syntax::Word;

use super::super::Cx;
use super::Said;
use super::Side;
use super::option;

/// Adds the certificates of a list. `defaults` is what the `bind` line says.
pub(super) fn add(
    cx: &Cx<'_>,
    acceptor: &mut Acceptor,
    word: &Word,
    defaults: &Said,
) -> Result<(), String> {
    let file = cx.path(&word.text);
    let text = std::fs::read_to_string(&file).map_err(|error| {
        let cause = crate::net::listener::system_text(&error);
        format!("cannot open file '{}' : {cause}", file.display())
    })?;
    let common = super::terms(cx, defaults)?;
    for (number, line) in text.lines().enumerate() {
        let place = format!("[{}:{}]", file.display(), number.saturating_add(1));
        let wrong = |error: String| format!("parsing {place}: {error}");
        let Some(entry) = parse(line, word).map_err(wrong)? else { continue };
        let own;
        let terms = match &entry.said {
            None => &common,
            Some(said) => {
                own = super::terms(cx, &said.clone().or(defaults)).map_err(wrong)?;
                &own
            }
        };
        let path = super::path(cx, cx.tls.crt_base.as_ref(), entry.file);
        super::add(acceptor, &path, terms, &entry.filters).map_err(wrong)?;
    }
    Ok(())
}

/// A line of a list.
struct Entry<'a> {
    file: &'a str,
    said: Option<Said>,
    filters: Vec<String>,
}

fn parse<'a>(line: &'a str, place: &Word) -> Result<Option<Entry<'a>>, String> {
    if line.starts_with('#') {
        return Ok(None);
    }
    let (outer, options) = match line.split_once('[') {
        None if line.contains(']') => return Err("missing '['".to_owned()),
        None => ((line, ""), None),
        Some((before, rest)) => {
            let Some((inside, after)) = rest.split_once(']') else {
                return Err("missing ']'".to_owned());
            };
            if before.trim().is_empty() {
                return Err("file must start with a cert".to_owned());
            }
            ((before, after), Some(inside))
        }
    };
    let mut words = outer.0.split_ascii_whitespace().chain(outer.1.split_ascii_whitespace());
    let Some(file) = words.next() else { return Ok(None) };
    let filters = words.map(str::to_ascii_lowercase).collect();
    let said = options.map(|text| said(text, place)).transpose()?;
    Ok(Some(Entry { file, said, filters }))
}

fn said(text: &str, place: &Word) -> Result<Said, String> {
    let mut said = Said::default();
    let mut words = text.split_ascii_whitespace();
    while let Some(name) = words.next() {
        let option = option::find(name, Side::List)
            .ok_or_else(|| format!("unknown ssl keyword '{name}'"))?;
        let argument = if option.args.is_empty() { "" } else { words.next().unwrap_or_default() };
        let word = Word::new(argument, place.span);
        (option.set)(&mut said, &word).map_err(|error| format!("'{name}' : {error}"))?;
    }
    Ok(said)
}
