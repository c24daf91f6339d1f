//! The header lines of a message, in their order.

use std::slice;

use super::Text;
use super::list;

/// One header line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    /// The name in lower case, as HAProxy sends it.
    pub name: Text,
    /// The value without blanks around it.
    pub value: Text,
}

/// Header lines in the order in which they came and are sent.
///
/// A name that is asked for matches in any case. `occ` counts as in HAProxy: 1 is the first, -1 the
/// last, -2 the one before; 0 is the last too.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Headers {
    lines: Vec<Header>,
}

impl Headers {
    /// Returns no lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns no lines, with room for some.
    pub fn with_capacity(lines: usize) -> Self {
        Self { lines: Vec::with_capacity(lines) }
    }

    /// Returns the number of lines.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Says whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns all lines.
    pub fn iter(&self) -> slice::Iter<'_, Header> {
        self.lines.iter()
    }

    /// Returns the line at an index.
    pub fn get(&self, index: usize) -> Option<&Header> {
        self.lines.get(index)
    }

    /// Returns the first line of a name.
    pub fn first(&self, name: impl AsRef<[u8]>) -> Option<&Text> {
        let line = self.lines.iter().find(|line| line.is(name.as_ref()))?;
        Some(&line.value)
    }

    /// Returns the last line of a name.
    pub fn last(&self, name: impl AsRef<[u8]>) -> Option<&Text> {
        let line = self.lines.iter().rfind(|line| line.is(name.as_ref()))?;
        Some(&line.value)
    }

    /// Returns one whole line of a name, as `fhdr(name,occ)` does.
    pub fn nth(&self, name: impl AsRef<[u8]>, occ: i32) -> Option<&Text> {
        let mut lines = self.lines.iter().filter(|line| line.is(name.as_ref()));
        let skip = usize::try_from(occ.unsigned_abs().max(1)).ok()?.checked_sub(1)?;
        let line = if occ > 0 { lines.nth(skip) } else { lines.nth_back(skip) }?;
        Some(&line.value)
    }

    /// Returns one comma-separated value of a name, as `hdr(name,occ)` does.
    pub fn find(&self, name: impl AsRef<[u8]>, occ: i32) -> Option<Text> {
        let name = name.as_ref();
        let count = usize::try_from(occ.unsigned_abs().max(1)).ok()?;
        let skip =
            if occ > 0 { count.checked_sub(1)? } else { self.count(name).checked_sub(count)? };
        self.values(name).nth(skip)
    }

    /// Returns the whole lines of a name.
    pub fn lines<'a>(&'a self, name: &'a [u8]) -> impl DoubleEndedIterator<Item = &'a Text> {
        self.lines.iter().filter(|line| line.is(name)).map(|line| &line.value)
    }

    /// Returns the comma-separated values of a name.
    pub fn values<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = Text> + 'a {
        self.lines(name).flat_map(|line| list::split(line).map(|value| line.slice_ref(value)))
    }

    /// Returns the number of lines of a name (`fhdr_cnt`).
    pub fn count_lines(&self, name: impl AsRef<[u8]>) -> usize {
        self.lines(name.as_ref()).count()
    }

    /// Returns the number of comma-separated values of a name (`hdr_cnt`).
    pub fn count(&self, name: impl AsRef<[u8]>) -> usize {
        self.lines(name.as_ref()).map(|line| list::split(line).count()).sum()
    }

    /// Says whether there is a line of a name.
    pub fn contains(&self, name: impl AsRef<[u8]>) -> bool {
        self.first(name).is_some()
    }

    /// Says whether a comma-separated value of a name is this one, in any case.
    pub fn contains_token(&self, name: impl AsRef<[u8]>, token: impl AsRef<[u8]>) -> bool {
        self.lines(name.as_ref()).any(|line| list::contains(line, token.as_ref()))
    }

    /// Appends a line; the name is in lower case already.
    pub fn push(&mut self, name: Text, value: Text) {
        debug_assert!(!name.iter().any(u8::is_ascii_uppercase), "a name in lower case");
        self.lines.push(Header { name, value });
    }

    /// Appends a line (`add-header`).
    pub fn add(&mut self, name: impl AsRef<[u8]>, value: impl Into<Text>) {
        self.lines.push(Header { name: lower(name.as_ref()), value: value.into() });
    }

    /// Puts a line before all others.
    pub fn insert_first(&mut self, name: impl AsRef<[u8]>, value: impl Into<Text>) {
        self.lines.insert(0, Header { name: lower(name.as_ref()), value: value.into() });
    }

    /// Removes all lines of a name and appends one (`set-header`).
    pub fn set(&mut self, name: impl AsRef<[u8]>, value: impl Into<Text>) {
        self.remove(name.as_ref());
        self.add(name, value);
    }

    /// Gives the first line of a name this value and removes its other lines.
    pub(super) fn set_in_place(&mut self, name: impl AsRef<[u8]>, value: Text) {
        let name = name.as_ref();
        let mut value = Some(value);
        self.lines.retain_mut(|line| {
            if !line.is(name) {
                return true;
            }
            value.take().map(|value| line.value = value).is_some()
        });
    }

    /// Replaces the value of the line at an index; says whether there is one.
    pub fn set_line(&mut self, index: usize, value: impl Into<Text>) -> bool {
        let line = self.lines.get_mut(index);
        line.map(|line| line.value = value.into()).is_some()
    }

    /// Removes all lines of a name and returns how many they were (`del-header`).
    pub fn remove(&mut self, name: impl AsRef<[u8]>) -> usize {
        self.retain(|line| !line.is(name.as_ref()))
    }

    /// Removes the lines whose name matches and returns how many they were (`del-header .. -m`).
    pub fn remove_if(&mut self, matches: impl Fn(&[u8]) -> bool) -> usize {
        self.retain(|line| !matches(&line.name))
    }

    /// Keeps the lines that pass and returns how many did not.
    pub fn retain(&mut self, keep: impl FnMut(&Header) -> bool) -> usize {
        let before = self.lines.len();
        self.lines.retain(keep);
        before.saturating_sub(self.lines.len())
    }

    /// Removes all lines.
    pub fn clear(&mut self) {
        self.lines.clear();
    }

    /// Replaces each line of a name for which there is a replacement (`replace-header`).
    pub fn replace_lines(
        &mut self,
        name: impl AsRef<[u8]>,
        mut replace: impl FnMut(&[u8]) -> Option<Text>,
    ) {
        for line in self.lines.iter_mut().filter(|line| line.is(name.as_ref())) {
            if let Some(value) = replace(&line.value) {
                line.value = value;
            }
        }
    }

    /// Replaces each comma-separated value of a name for which there is a replacement
    /// (`replace-value`).
    pub fn replace_values(
        &mut self,
        name: impl AsRef<[u8]>,
        mut replace: impl FnMut(&[u8]) -> Option<Text>,
    ) {
        for line in self.lines.iter_mut().filter(|line| line.is(name.as_ref())) {
            if let Some(value) = replaced(&line.value, &mut replace) {
                line.value = value;
            }
        }
    }
}

impl Header {
    /// Says whether the line has this name, in any case.
    pub fn is(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = &'a Header;
    type IntoIter = slice::Iter<'a, Header>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Header> for Headers {
    fn from_iter<T: IntoIterator<Item = Header>>(lines: T) -> Self {
        Self { lines: lines.into_iter().collect() }
    }
}

fn lower(name: &[u8]) -> Text {
    name.to_ascii_lowercase().into()
}

/// Returns the line with its replaced values; blanks around a replaced value go, as in HAProxy.
fn replaced(line: &[u8], mut replace: impl FnMut(&[u8]) -> Option<Text>) -> Option<Text> {
    let mut new = Vec::with_capacity(line.len());
    let mut changed = false;
    for (index, part) in list::parts(line).enumerate() {
        if index > 0 {
            new.push(b',');
        }
        match replace(list::trim(part)) {
            Some(value) => {
                changed = true;
                new.extend_from_slice(&value);
            }
            None => new.extend_from_slice(part),
        }
    }
    changed.then(|| new.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&str, &'static str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in lines {
            headers.add(name, *value);
        }
        headers
    }

    fn text(headers: &Headers) -> String {
        let lines = headers.iter();
        let lines = lines.map(|line| [&line.name[..], b": ", &line.value].concat());
        lines.map(|line| String::from_utf8(line).unwrap()).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn an_occurrence_is_counted_as_haproxy_does() {
        let headers =
            headers(&[("Foo", "a, b,,c,"), ("X", "-"), ("foo", "\"q,r\" , z"), ("FOO", "")]);
        assert_eq!(headers.count("foo"), 8);
        assert_eq!(headers.count_lines("fOO"), 3);
        let cases = [(1, "a"), (2, "b"), (3, ""), (6, "\"q,r\""), (-1, ""), (-2, "z"), (0, "")];
        for (occ, value) in cases {
            assert_eq!(headers.find("foo", occ).as_deref(), Some(value.as_bytes()), "{occ}");
        }
        let lines = [(1, "a, b,,c,"), (-1, ""), (0, ""), (-2, "\"q,r\" , z"), (-3, "a, b,,c,")];
        for (occ, value) in lines {
            let found = headers.nth("foo", occ).map(|text| &text[..]);
            assert_eq!(found, Some(value.as_bytes()), "{occ}");
        }
        for occ in [9, -9, i32::MIN, i32::MAX] {
            assert_eq!(headers.find("foo", occ), None);
            assert_eq!(headers.nth("foo", occ), None);
        }
        assert_eq!(headers.find("bar", 1), None);
        assert_eq!(headers.find("bar", -1), None);
    }

    #[test]
    fn set_removes_all_lines_and_adds_one_at_the_end() {
        let mut headers = headers(&[("A", "1"), ("b", "2"), ("a", "3")]);
        headers.set("A", "4");
        assert_eq!(text(&headers), "b: 2|a: 4");
        headers.insert_first("C", "5");
        assert!(headers.set_line(1, "6") && !headers.set_line(9, "7"));
        assert_eq!(text(&headers), "c: 5|b: 6|a: 4");
        assert_eq!(headers.remove("B"), 1);
        assert_eq!(headers.remove_if(|name| name.starts_with(b"c")), 1);
        assert_eq!(text(&headers), "a: 4");
    }

    #[test]
    fn values_are_replaced_as_haproxy_does() {
        let mut headers = headers(&[("foo", "a , b,,\"c,d\""), ("foo", "")]);
        headers.replace_values("Foo", |value| Some([b"<", value, b">"].concat().into()));
        assert_eq!(text(&headers), "foo: <a>,<b>,<>,<\"c,d\">|foo: <>");
        headers.replace_lines("Foo", |line| (line == b"<>").then(|| Text::from_static(b"-")));
        assert_eq!(text(&headers), "foo: <a>,<b>,<>,<\"c,d\">|foo: -");
    }

    #[test]
    fn a_value_that_is_not_replaced_keeps_its_blanks() {
        let mut headers = headers(&[("foo", "a , b , c")]);
        headers.replace_values("foo", |value| (value == b"b").then(Text::new));
        assert_eq!(text(&headers), "foo: a ,, c");
    }
}
