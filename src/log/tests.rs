//! Tests of logging: what is wrapped, filtered and written.

use std::time::Duration;

use super::*;

fn wrapped(format: Format, host: Option<&str>, length: usize) -> String {
    let target = Target {
        sink: Sink::Stdout,
        format,
        facility: 16,
        max: Level::Debug,
        min: Level::Emerg,
        length,
    };
    let date = Duration::new(1_456_142_455, 123_456_789);
    let origin = line::Origin { tag: "hap", host, date };
    let mut out = Vec::new();
    line::wrap(&target, Level::Info, &origin, b"hello\n", &mut out);
    let text = String::from_utf8(out).unwrap();
    text.replace(&std::process::id().to_string(), "PID")
}

#[test]
fn each_format_has_its_header() {
    assert_eq!(wrapped(Format::Raw, None, 1024), "hello\n");
    assert_eq!(wrapped(Format::Short, None, 1024), "<6>hello\n");
    assert_eq!(wrapped(Format::Priority, None, 1024), "<134>hello\n");
    let local = wrapped(Format::Local, Some("h"), 1024);
    assert!(local.starts_with("<134>Feb 22 "), "{local}");
    assert!(local.ends_with(" hap[PID]: hello\n"), "{local}");
    assert_eq!(wrapped(Format::Unspecified, None, 1024), local);
    assert!(wrapped(Format::Unspecified, Some("h"), 1024).ends_with(" h hap[PID]: hello\n"));
    assert!(wrapped(Format::Rfc3164, None, 1024).ends_with(" localhost hap[PID]: hello\n"));
    let iso = wrapped(Format::Iso, None, 1024);
    assert!(iso.starts_with("2016-02-22T") && iso.contains(".123456"), "{iso}");
    assert!(wrapped(Format::Timed, None, 1024).starts_with("<6>2016-02-22T"));
    let full = wrapped(Format::Rfc5424, None, 1024);
    assert!(full.starts_with("<134>1 2016-02-22T"), "{full}");
    assert!(full.ends_with(" - hap PID - - hello\n"), "{full}");
}

#[test]
fn a_long_line_is_cut_at_its_length() {
    assert_eq!(wrapped(Format::Short, None, 6), "<6>he\n");
    assert_eq!(wrapped(Format::Short, None, 0), "<\n");
}

#[test]
fn names_and_numbers_agree() {
    for (number, (name, level)) in LEVELS.iter().enumerate() {
        assert_eq!(usize::from(level.number()), number);
        assert_eq!(level.name(), *name);
        assert_eq!(Level::find(name), Some(*level));
    }
    assert_eq!(find_facility("local0"), Some(16));
    assert_eq!(find_facility("local7"), Some(23));
    assert_eq!(find_facility("local8"), None);
    assert!(FORMATS.is_sorted_by_key(|(name, _)| name));
    assert_eq!(Format::find("timed"), Some(Format::Timed));
}

#[test]
fn program_messages_have_haproxys_label() {
    let text = String::from_utf8(line::program(Level::Warning, "x")).unwrap();
    assert_eq!(text, format!("[WARNING]  ({}) : x\n", std::process::id()));
    let text = String::from_utf8(line::program(Level::Alert, "x")).unwrap();
    assert!(text.starts_with("[ALERT]    ("));
}
