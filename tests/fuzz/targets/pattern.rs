//! Lua's patterns: slices make no difference, and all that is found lies in the subject.

#![no_main]

use libfuzzer_sys::fuzz_target;
use luaproxy::lua::fuzz::search;
use luaproxy::lua::fuzz::substitute;

/// In one slice: long enough for what is not made to take for ever.
const WHOLE: usize = 20_000;

fuzz_target!(|data: &[u8]| {
    let [slice, flags, data @ ..] = data else { return };
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let (Some(pattern), Some(replacement)) = (parts.next(), parts.next()) else { return };
    let subject = parts.next().unwrap_or_default();
    let (slice, anchored) = (usize::from(*slice).max(1), flags & 1 == 1);
    if let Some(whole) = search(subject, pattern, anchored, WHOLE)
        && let Some(sliced) = search(subject, pattern, anchored, slice)
    {
        assert_eq!(whole, sliced);
        let mut ranges = whole.into_iter().flatten().flatten();
        assert!(ranges.all(|(start, end)| start <= end && end <= subject.len()));
    }
    if let Some(whole) = substitute(subject, pattern, replacement, WHOLE)
        && let Some(sliced) = substitute(subject, pattern, replacement, slice)
    {
        assert_eq!(whole, sliced);
    }
});
