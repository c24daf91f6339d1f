//! Pattern files: loaded once for the process, changed at run time, read as snapshots.

use std::fmt;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Weak;

use arc_swap::ArcSwap;
use bytes::Bytes;

use crate::sample::error::Reason;
use crate::txn::Held;
use crate::value::Type;
use crate::value::Value;

use super::List;
use super::Method;

/// No ACL or map was loaded from a file of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFile;

/// Why entries of a file were not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No ACL or map was loaded from it.
    Unknown,
    /// One cannot be read by who uses the file: why.
    Entry(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => out.write_str("unknown pattern reference"),
            Self::Entry(why) => out.write_str(why),
        }
    }
}

/// A file's entries and what was compiled from them.
#[derive(Debug)]
struct Reference {
    file: String,
    /// Lines have keys and values.
    map: bool,
    entries: ArcSwap<Vec<Entry>>,
    uses: ArcSwap<Vec<Weak<Use>>>,
}

/// A key, and its value in a map.
#[derive(Clone, Debug)]
struct Entry {
    key: Arc<str>,
    value: Arc<str>,
    line: usize,
    /// Dropped when the entry is removed or changed.
    held: Held,
}

impl Entry {
    fn of((key, value): &(String, String)) -> Self {
        Self { key: key.as_str().into(), value: value.as_str().into(), line: 0, held: None }
    }
}

/// What the values of a map are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sample) enum Output {
    /// Nothing: the file is a list of patterns.
    None,
    /// Text.
    Str,
    /// Numbers.
    Int,
    /// Addresses.
    Ip,
    /// The key that has matched.
    Key,
}

/// One way in which a file is used: compiled anew when an entry changes.
#[derive(Debug)]
pub(in crate::sample) struct Use {
    reference: Arc<Reference>,
    method: Method,
    ignore_case: bool,
    output: Output,
    compiled: ArcSwap<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    list: List,
    values: Vec<Value>,
}

/// Every file that was loaded.
static REFERENCES: LazyLock<ArcSwap<Vec<Arc<Reference>>>> = LazyLock::new(ArcSwap::default);

/// Opens a file for one use of it; `map` tells that lines have keys and values.
pub(in crate::sample) fn open(
    file: &str,
    map: bool,
    method: Method,
    ignore_case: bool,
    output: Output,
) -> Result<Arc<Use>, Reason> {
    let reference = match find(file) {
        Some(reference) => reference,
        None => insert(load(file, map)?),
    };
    let entries = reference.entries.load_full();
    let compiled = compile(&entries, file, method, ignore_case, output)?;
    let (reference, compiled) = (Arc::clone(&reference), ArcSwap::from_pointee(compiled));
    let used = Arc::new(Use { reference, method, ignore_case, output, compiled });
    used.reference.uses.rcu(|uses| {
        let mut uses: Vec<Weak<Use>> =
            uses.iter().filter(|one| one.strong_count() > 0).cloned().collect();
        uses.push(Arc::downgrade(&used));
        uses
    });
    Ok(used)
}

impl Use {
    /// Tells whether a sample matches.
    pub(in crate::sample) fn matches(&self, sample: &Value) -> bool {
        self.compiled.load().list.find(sample).is_some()
    }

    /// Returns the value of the key that matches.
    pub(in crate::sample) fn find(&self, sample: &Value) -> Option<Value> {
        let compiled = self.compiled.load();
        compiled.values.get(compiled.list.find(sample)?).cloned()
    }

    /// Returns the value of the expression that matches, with the groups of the match put in.
    pub(in crate::sample) fn expand(&self, sample: &Bytes) -> Option<Value> {
        let compiled = self.compiled.load();
        let number = compiled.list.find(&Value::Str(sample.clone()))?;
        let groups = compiled.list.regex(number)?.groups(sample)?;
        let template = compiled.values.get(number)?.clone().into_bytes();
        let mut out = Vec::new();
        groups.expand(sample, &template, &mut out);
        Some(Value::Str(out.into()))
    }

    /// Compiles the entries again, until what stands was compiled from the latest.
    fn refresh(&self) {
        self.compiled.rcu(|old| {
            let entries = self.reference.entries.load();
            let (file, method) = (&self.reference.file, self.method);
            match compile(&entries, file, method, self.ignore_case, self.output) {
                Ok(compiled) => Arc::new(compiled),
                Err(_) => Arc::clone(old),
            }
        });
    }
}

/// Makes a map known whose file somebody else has read, unless one of that name is known already.
pub fn preload(file: &str, text: &[u8]) {
    if find(file).is_none() {
        insert(Reference::new(file, text, true));
    }
}

/// Adds a key to a pattern file (`core.add_acl`, `http-request add-acl`).
pub fn add_acl(file: &str, key: &str, held: &Held) -> Result<(), UnknownFile> {
    change(file, |entries| {
        if !entries.iter().any(|entry| &*entry.key == key) {
            entries.push(Entry { key: key.into(), value: "".into(), line: 0, held: held.clone() });
        }
    })
}

/// Removes a key from a pattern file (`core.del_acl`, `http-request del-acl`).
pub fn del_acl(file: &str, key: &str) -> Result<(), UnknownFile> {
    change(file, |entries| entries.retain(|entry| &*entry.key != key))
}

/// Sets the value of a key of a map (`core.set_map`, `http-request set-map`).
pub fn set_map(file: &str, key: &str, value: &str, held: &Held) -> Result<(), UnknownFile> {
    change(file, |entries| {
        let mut known = false;
        for entry in entries.iter_mut().filter(|entry| &*entry.key == key) {
            (entry.value, entry.held) = (value.into(), held.clone());
            known = true;
        }
        if !known {
            entries.push(Entry {
                key: key.into(),
                value: value.into(),
                line: 0,
                held: held.clone(),
            });
        }
    })
}

/// Removes a key from a map (`core.del_map`, `http-request del-map`).
pub fn del_map(file: &str, key: &str) -> Result<(), UnknownFile> {
    del_acl(file, key)
}

/// Returns the value that stands beside exactly this key.
pub fn lookup(file: &str, key: &str) -> Result<Option<String>, UnknownFile> {
    let entries = find(file).ok_or(UnknownFile)?.entries.load_full();
    let found = entries.iter().find(|entry| &*entry.key == key);
    Ok(found.map(|entry| String::from(&*entry.value)))
}

/// Tells whether exactly this key is there.
pub fn contains(file: &str, key: &str) -> Result<bool, UnknownFile> {
    lookup(file, key).map(|found| found.is_some())
}

/// Returns all keys and values of a file, in their order.
pub fn entries(file: &str) -> Result<Vec<(String, String)>, UnknownFile> {
    let entries = find(file).ok_or(UnknownFile)?.entries.load_full();
    let pair = |entry: &Entry| (String::from(&*entry.key), String::from(&*entry.value));
    Ok(entries.iter().map(pair).collect())
}

/// What one use of a file makes of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    pub method: &'static str,
    pub ignore_case: bool,
    /// `tree` or `list`: how it is looked for.
    pub index: &'static str,
    /// The entry that matches: key and value.
    pub entry: Option<(String, String)>,
}

/// Looks a text up in each of the uses of a file.
pub fn probe(file: &str, text: &str) -> Result<Vec<Probe>, UnknownFile> {
    let reference = find(file).ok_or(UnknownFile)?;
    let entries = reference.entries.load_full();
    let uses = reference.uses.load();
    let probe = |used: Arc<Use>| {
        let sample = Value::Str(Bytes::copy_from_slice(text.as_bytes()));
        let number = sample
            .cast(used.method.takes())
            .and_then(|sample| used.compiled.load().list.find(&sample));
        let entry = number.and_then(|number| entries.get(number));
        let list = matches!(
            used.method,
            Method::Sub | Method::Dir | Method::Dom | Method::End | Method::Reg
        );
        Probe {
            method: used.method.name(),
            ignore_case: used.ignore_case,
            index: if list { "list" } else { "tree" },
            entry: entry.map(|entry| (entry.key.to_string(), entry.value.to_string())),
        }
    };
    Ok(uses.iter().filter_map(Weak::upgrade).map(probe).collect())
}

/// Tells whether a file's lines have keys and values.
pub fn is_map(file: &str) -> Result<bool, UnknownFile> {
    Ok(find(file).ok_or(UnknownFile)?.map)
}

/// Returns the names of all files, and whether they are maps.
pub fn files() -> Vec<(String, bool)> {
    let all = REFERENCES.load();
    all.iter().map(|reference| (reference.file.clone(), reference.map)).collect()
}

/// Adds entries at the end, all of them or, where one cannot be read, none.
pub fn append(file: &str, pairs: &[(String, String)]) -> Result<(), Refusal> {
    transform(file, |entries| entries.extend(pairs.iter().map(Entry::of))).map(drop)
}

/// Puts entries in the place of all that are there; nobody sees less than the one or the other.
pub fn replace(file: &str, pairs: &[(String, String)]) -> Result<(), Refusal> {
    transform(file, |entries| *entries = pairs.iter().map(Entry::of).collect()).map(drop)
}

/// Removes a key; says whether it was there.
pub fn remove(file: &str, key: &str) -> Result<bool, Refusal> {
    transform(file, |entries| entries.retain(|entry| &*entry.key != key))
}

/// Sets the value of a key, or adds it where `force` says so; says whether that was done.
pub fn set(file: &str, key: &str, value: &str, force: bool) -> Result<bool, Refusal> {
    let known = lookup(file, key).map_err(|_| Refusal::Unknown)?.is_some();
    if !known && !force {
        return Ok(false);
    }
    transform(file, |entries| {
        let mut known = false;
        for entry in entries.iter_mut().filter(|entry| &*entry.key == key) {
            (entry.value, known) = (value.into(), true);
        }
        if !known {
            entries.push(Entry::of(&(key.to_owned(), value.to_owned())));
        }
    })?;
    Ok(true)
}

/// Changes entries if all uses can read the result; says whether there are now more or fewer.
fn transform(file: &str, edit: impl Fn(&mut Vec<Entry>)) -> Result<bool, Refusal> {
    let reference = find(file).ok_or(Refusal::Unknown)?;
    let uses: Vec<Arc<Use>> = reference.uses.load().iter().filter_map(Weak::upgrade).collect();
    loop {
        let old = reference.entries.load_full();
        let mut new = Vec::clone(&old);
        edit(&mut new);
        for used in &uses {
            compile(&new, file, used.method, used.ignore_case, used.output).map_err(|reason| {
                match reason {
                    Reason::InFile { reason, line: 0, .. } => Refusal::Entry(reason.to_string()),
                    other => Refusal::Entry(other.to_string()),
                }
            })?;
        }
        let other = new.len() != old.len();
        let before = reference.entries.compare_and_swap(&old, Arc::new(new));
        if Arc::ptr_eq(&before, &old) {
            uses.iter().for_each(|used| used.refresh());
            return Ok(other);
        }
    }
}

/// Returns how many entries a file has.
pub fn count(file: &str) -> Result<usize, UnknownFile> {
    Ok(find(file).ok_or(UnknownFile)?.entries.load().len())
}

fn find(file: &str) -> Option<Arc<Reference>> {
    REFERENCES.load().iter().find(|reference| reference.file == file).cloned()
}

/// Adds a reference, unless another thread was quicker with the same file.
fn insert(reference: Reference) -> Arc<Reference> {
    let file = reference.file.clone();
    let new = Arc::new(reference);
    REFERENCES.rcu(|list| {
        let mut list = Vec::clone(list);
        if !list.iter().any(|known| known.file == file) {
            list.push(Arc::clone(&new));
        }
        list
    });
    find(&file).unwrap_or(new)
}

fn change(file: &str, edit: impl Fn(&mut Vec<Entry>)) -> Result<(), UnknownFile> {
    let reference = find(file).ok_or(UnknownFile)?;
    reference.entries.rcu(|entries| {
        let mut entries = Vec::clone(entries);
        edit(&mut entries);
        entries
    });
    for used in reference.uses.load().iter().filter_map(Weak::upgrade) {
        used.refresh();
    }
    Ok(())
}

/// Reads a file. `opt@` allows it to be missing, `virt@` names one that is nowhere.
fn load(name: &str, map: bool) -> Result<Reference, Reason> {
    let open = || Reason::OpenFile(name.to_owned());
    let text = match name.split_once('@') {
        Some(("virt", _)) => Vec::new(),
        Some(("opt", path)) => std::fs::read(path).unwrap_or_default(),
        Some(("file", path)) => std::fs::read(path).map_err(|_| open())?,
        _ => std::fs::read(name).map_err(|_| open())?,
    };
    Ok(Reference::new(name, &text, map))
}

impl Reference {
    fn new(name: &str, text: &[u8], map: bool) -> Self {
        let entries = parse(&String::from_utf8_lossy(text), map);
        let (entries, uses) = (ArcSwap::from_pointee(entries), ArcSwap::default());
        Self { file: name.to_owned(), map, entries, uses }
    }
}

/// HAProxy: blanks at the start and lines that begin with `#` are passed over; in a map the key
/// ends at the first blank.
fn parse(text: &str, map: bool) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        let line = line.trim_start_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = match line.split_once([' ', '\t']) {
            Some((key, value)) if map => (key, value.trim_matches([' ', '\t'])),
            _ => (line, ""),
        };
        entries.push(Entry { key: key.into(), value: value.into(), line: number + 1, held: None });
    }
    entries
}

fn compile(
    entries: &[Entry],
    file: &str,
    method: Method,
    ignore_case: bool,
    output: Output,
) -> Result<Compiled, Reason> {
    let mut list = List::new(method, ignore_case);
    let mut values = Vec::new();
    for entry in entries {
        let in_file = |reason| {
            let reason = Box::new(reason);
            Reason::InFile { file: file.to_owned(), line: entry.line, reason }
        };
        list.push(&entry.key).map_err(in_file)?;
        let text = |text: &str| Value::Str(Bytes::copy_from_slice(text.as_bytes()));
        let typed = |kind: Type, what: &str| {
            let message = format!("cannot parse '{}' as {what}", entry.value);
            let readable = kind != Type::Sint || entry.value.parse::<i64>().is_ok();
            let value = text(&entry.value).cast(kind).filter(|_| readable);
            value.ok_or_else(|| in_file(Reason::Custom(message)))
        };
        match output {
            Output::None => {}
            Output::Str => values.push(text(&entry.value)),
            Output::Key => values.push(text(&entry.key)),
            Output::Int => values.push(typed(Type::Sint, "an integer")?),
            Output::Ip => values.push(typed(Type::Addr, "an address")?),
        }
    }
    Ok(Compiled { list, values })
}
