//! What HAProxy 2.6 answers to the same lines, and what must hold for any text.

use proptest::prelude::ProptestConfig;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::proptest;

use crate::diag::Diagnostic;
use crate::diag::Severity;
use crate::diag::Sources;
use crate::diag::Span;

use super::Env;
use super::SECTIONS;
use super::Tree;
use super::condition;
use super::condition::eval;
use super::feature::FEATURES;
use super::parse;

fn read(text: &str) -> (Sources, Tree, Vec<Diagnostic>) {
    let mut env: Env = [
        ("V", "a b  c"),
        ("E", ""),
        ("S", "  x y "),
        ("Q", "a\"b"),
        ("D", "$V"),
        ("H", "a#b"),
        ("L", "p\nq"),
        ("BS", "a\\ b"),
        ("X", "\\x41"),
        ("UTF", "é"),
    ]
    .into_iter()
    .collect();
    let mut sources = Sources::default();
    sources.add("t.cfg", text);
    let (tree, diagnostics) = parse(&sources, &mut env);
    (sources, tree, diagnostics)
}

/// Returns the words behind the keyword of one line.
fn words(line: &str) -> Vec<String> {
    let (_, tree, diagnostics) = read(&format!("global\n k {line}\n"));
    assert_eq!(diagnostics, [], "{line}");
    let words = tree.sections[0].lines[0].rest(1);
    words.iter().map(|word| word.text.clone()).collect()
}

/// Returns `line:column severity message` of every diagnostic, columns from 1.
fn mistakes(text: &str) -> Vec<String> {
    let (sources, _, diagnostics) = read(text);
    let show = |diagnostic: &Diagnostic| {
        let span = diagnostic.span.unwrap_or_default();
        let (_, line) = sources.place(span);
        let before = &text[..span.start as usize];
        let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
        let severity = match diagnostic.severity {
            Severity::Alert => "",
            Severity::Warning => "warning ",
            Severity::Notice => "notice ",
            Severity::Diag => "diag ",
        };
        format!("{line}:{column} {severity}{}", diagnostic.message)
    };
    diagnostics.iter().map(show).collect()
}

#[test]
fn words_are_cut_as_haproxy_cuts_them() {
    let cases: &[(&str, &[&str])] = &[
        (r#""${V}""#, &["a b  c"]),
        (r#""${V[*]}""#, &["a", "b", "c"]),
        (r#"p"${V[*]}"s"#, &["pa", "b", "cs"]),
        (r#""p${V[*]}s""#, &["pa", "b", "cs"]),
        (r#""${E[*]}" z"#, &["", "z"]),
        (r#"x"${E[*]}""#, &["x"]),
        (r#""${E}" z"#, &["", "z"]),
        (r#""${N}" z"#, &["", "z"]),
        (r#""${N[*]}" z"#, &["", "z"]),
        (r#""${S[*]}" z"#, &["", "x", "y", "", "z"]),
        (r#"a"${S[*]}"z"#, &["a", "x", "y", "z"]),
        (r#""${N-d e}""#, &["d e"]),
        (r#""${N[*]-d e}""#, &["d", "e"]),
        (r#""${N-d e[*]}""#, &["d e[*]"]),
        (r#""${N-}""#, &[""]),
        (r#""${E-d}""#, &[""]),
        (r#""${V[*]-q}""#, &["a", "b", "c"]),
        (r#""$V""#, &["a b  c"]),
        (r#""$V[*]""#, &["a b  c[*]"]),
        ("$V", &["$V"]),
        ("${V}", &["${V}"]),
        (r#""$N-x""#, &["-x"]),
        (r#""${Q}""#, &["a\"b"]),
        (r#""${D}""#, &["$V"]),
        (r#""${H}""#, &["a#b"]),
        (r#""${L[*]}""#, &["p", "q"]),
        (r#""${BS[*]}""#, &["a\\", "b"]),
        (r#""${X}""#, &["\\x41"]),
        (r#""${V}${V[*]}""#, &["a b  ca", "b", "c"]),
        (r#""${V[*]}${V[*]}""#, &["a", "b", "ca", "b", "c"]),
        (r#""${.FILE}" "${.LINE}" "${.SECTION}""#, &["t.cfg", "2", "global"]),
        (r#""$.FILE""#, &["t.cfg"]),
        (r#""$V.x""#, &["a b  c.x"]),
        (r#""$Vé""#, &["a b  cé"]),
        (r#""${N-a\}b}""#, &["a\\b}"]),
        (r#""${N-a"b"}""#, &["a\"b\""]),
        (r#""${N-${V}}""#, &["${V}"]),
        (r#""${N-a\nb}""#, &["a\\nb"]),
        (r#""\$V""#, &["$V"]),
        (r"\$V", &["\\$V"]),
        ("'$V'", &["$V"]),
        (r"'a\nb'", &["a\\nb"]),
        (r"\a\b\q\z", &["\\a\\b\\q\\z"]),
        (r#""\a\q""#, &["\\a\\q"]),
        (r"\n\r\t\x41x", &["\n\r\tAx"]),
        (r"\xc3\xa9", &["é"]),
        (r"a\", &["a\\"]),
        ("a'b'c", &["abc"]),
        ("a''", &["a"]),
        ("'' b", &["", "b"]),
        (r#"a "" b"#, &["a", "", "b"]),
        ("a#b", &["a"]),
        (r"a \#b", &["a", "#b"]),
        (r##"a"#"b"##, &["a#b"]),
        (r#""a b"c\ d"#, &["a bc d"]),
        ("x\\\ty", &["x\\", "y"]),
        (r"a\,b", &["a\\,b"]),
        (r#"\' \" "\'" "\ " "\#""#, &["'", "\"", "'", " ", "#"]),
        ("a\rb c", &["a"]),
        ("\rb c\r", &["b", "c"]),
        ("", &[]),
    ];
    for (line, expected) in cases {
        assert_eq!(words(line), *expected, "{line}");
    }
}

#[test]
fn backslash_at_end_of_line_does_not_join_lines() {
    let (_, tree, _) = read("global\n a\\\n b # c\\\n c\n");
    let lines: Vec<&str> = tree.sections[0].lines.iter().map(|line| line.text(0)).collect();
    assert_eq!(lines, ["a\\", "b", "c"]);
}

#[test]
fn byte_that_is_no_utf8_is_kept_beside_the_text() {
    let (_, tree, _) = read("global\n k a\\xff\n");
    let word = &tree.sections[0].lines[0].words[1];
    assert_eq!((word.text.as_str(), word.bytes()), ("a\u{fffd}", &b"a\xff"[..]));
    assert_eq!(word.sub(1..2), word.span);
}

#[test]
fn part_of_a_word_is_found_in_the_source() {
    let text = "global\n k 'ab'\"c${UTF}d\"e\\ f é\n";
    let (_, tree, _) = read(text);
    let words = &tree.sections[0].lines[0].words;
    let sub = |word: usize, range: std::ops::Range<usize>| {
        let span = words[word].sub(range);
        &text[span.start as usize..span.end as usize]
    };
    assert_eq!(words[1].text, "abcéde f");
    assert_eq!(sub(1, 0..1), "a");
    assert_eq!(sub(1, 0..2), "ab");
    assert_eq!(sub(1, 1..3), "b'\"c");
    assert_eq!(sub(1, 3..5), "${UTF}");
    assert_eq!(sub(1, 4..5), "${UTF}");
    assert_eq!(sub(1, 5..6), "d");
    assert_eq!(sub(1, 7..8), "\\ ");
    assert_eq!(sub(1, 8..9), "f");
    assert_eq!(sub(1, 9..9), "");
    assert_eq!(sub(1, 100..200), "");
    assert_eq!(sub(2, 0..1), "é");
    assert_eq!(sub(0, 0..usize::MAX), "k");
}

#[test]
fn sections_begin_at_their_keywords_alone() {
    let (_, tree, diagnostics) =
        read("global#x\n daemon\n\n  frontend  a # b\nmode http\n bind :80\nbackend\n");
    assert_eq!(diagnostics, []);
    let shown: Vec<(&str, Option<&str>, usize)> = tree
        .sections
        .iter()
        .map(|section| (section.keyword.text.as_str(), section.name(), section.lines.len()))
        .collect();
    assert_eq!(shown, [("global", None, 1), ("frontend", Some("a"), 2), ("backend", None, 0)]);
}

#[test]
fn sections_end_with_their_file() {
    let mut sources = Sources::default();
    sources.add("a.cfg", "global\n");
    sources.add("b.cfg", "daemon\n");
    let (_, diagnostics) = parse(&sources, &mut Env::new());
    assert_eq!(diagnostics[0].message, "unknown keyword 'daemon' out of section.");
}

/// Texts and what is reported about them.
const MISTAKES: &[(&str, &[&str])] = &[
    ("foo bar\n", &["1:1 unknown keyword 'foo' out of section."]),
    ("global\n k 'abc\n", &["2:4 unmatched quote at position 4"]),
    ("global\n k 'abc\r' '\n", &["2:4 unmatched quote at position 4"]),
    ("global\n k \"abc\r\n", &["2:4 unmatched quote at position 4"]),
    (
        "global\n.notice 'a\n.else 'a\n",
        &[
            "2:9 unmatched quote at position 9",
            "3:7 unmatched quote at position 7",
            "3:1 lone '.else' with no matching '.if'.",
        ],
    ),
    (
        "global\n.if \"1  \"  x   # c\n.endif\n",
        &["2:12 unexpected character 'x' at the end of conditional expression '1   x ' in \
               '.if' at position 5"],
    ),
    ("global\n k \"abc\n", &["2:4 unmatched quote at position 4"]),
    ("global\n k \"${A\" \n", &["2:6 unmatched brace in environment variable name at position 6"]),
    (
        "global\n k \"${1}\" \"$1\" \"$\"\n",
        &[
            "2:7 forbidden first char in environment variable name at position 7",
            "2:13 forbidden first char in environment variable name at position 13",
            "2:18 forbidden first char in environment variable name at position 18",
        ],
    ),
    (
        "global\n k \"${.FOO}\"\n",
        &["2:7 forbidden first char in environment variable name at position 7"],
    ),
    (
        "global\n k \"${V[1]}\"\n",
        &["2:8 truncated or invalid word expansion sequence at position 8"],
    ),
    (
        "global\n k \\xZZ \\q \\x4\n",
        &[
            "2:4 truncated or invalid hexadecimal sequence at position 4",
            "2:12 truncated or invalid hexadecimal sequence at position 12",
        ],
    ),
    (
        "global\n daemon",
        &["2:8 Missing LF on last line, file might have been truncated at position 8."],
    ),
    ("global\n a\0b\n", &["2:3 Stray NUL character at position 3."]),
    ("global\n.else\n", &["2:1 lone '.else' with no matching '.if'."]),
    ("global\n.elif 1\n", &["2:1 lone '.elif' with no matching '.if'."]),
    ("global\n.endif\n", &["2:1 lone '.endif' with no matching '.if'."]),
    (
        "global\n.if 1\n.else\n.else\n.elif 1\n.endif foo\n",
        &[
            "4:1 '.else' after '.else' is not permitted.",
            "5:1 '.elif' after '.else' is not permitted.",
            "6:8 Unexpected argument 'foo' for '.endif'.",
        ],
    ),
    (
        "global\n.if 1\n.if 0\nfoo 'a\n",
        &[
            "4:5 unmatched quote at position 5",
            "2:1 non-terminated '.if' block.",
            "3:1 non-terminated '.if' block.",
        ],
    ),
    (
        "global\n.if foo(a)\n.alert x\n.else\n.alert y\n.endif\n.if 0\n.elif 1 x\n.endif\n",
        &[
            "2:5 unparsable conditional expression 'foo(a)' in '.if' at position 1",
            "8:9 unexpected character 'x' at the end of conditional expression '1 x' in \
                 '.elif' at position 3",
        ],
    ),
    (
        "global\n.notice 'a  b'\n.warning\n.alert a b\n.diag d\n.foo\n.if 0\n.foo\n.endif\n",
        &[
            "2:9 notice 'a  b'.",
            "3:1 warning ''.",
            "4:10 Unexpected argument 'b' for '.alert'. Use quotes if the message should \
                 contain spaces.",
            "5:7 diag 'd'.",
            "6:1 unknown directive '.foo'.",
        ],
    ),
    ("\u{feff}global\n daemon\n", &["1:1 unknown keyword '\u{feff}global' out of section."]),
    ("", &[]),
];

#[test]
fn mistakes_are_reported_with_words_and_places_of_haproxy() {
    for (text, expected) in MISTAKES {
        assert_eq!(mistakes(text), *expected, "{text:?}");
    }
}

#[test]
fn words_beyond_the_64th_are_refused() {
    let numbers: Vec<String> = (1..=70).map(|number| number.to_string()).collect();
    let text = format!("frontend a\n acl a path {}\n", numbers.join(" "));
    // What HAProxy 2.6 prints for this line.
    let message = "too many words, truncating after word 64, position 183: <61>.";
    assert_eq!(mistakes(&text), [format!("2:187 {message}")]);
}

#[test]
fn environment_changes_act_on_the_next_line() {
    let text = "global\n setenv A 1\n presetenv A 2\n presetenv B 3\n k \"$A$B\"\n unsetenv A\n \
                k \"$A$B\"\n resetenv V\n k \"${B-gone}$V\"\n.if 0\n setenv V x\n.endif\n\
                 backend b\n setenv V y\n k \"$V\"\n";
    let (_, tree, diagnostics) = read(text);
    assert_eq!(diagnostics, []);
    let lines = tree.sections.iter().flat_map(|section| &section.lines);
    let values: Vec<&str> =
        lines.filter(|line| line.text(0) == "k").map(|line| line.text(1)).collect();
    assert_eq!(values, ["13", "3", "gonea b  c", "a b  c"]);
}

#[test]
fn conditions_choose_one_branch() {
    let text = "global\n.if 0\n a\n.elif 1\n b\n.if 0\n c\n.else\n d\n.endif\n.elif 1\n e\n.else\n \
                f\n.endif\n.if 0\n.if 1\n g\n.else\n h\n.endif\n.endif\n i\n.if\n j\n.endif\n";
    let (_, tree, diagnostics) = read(text);
    assert_eq!(diagnostics, []);
    let lines: Vec<&str> = tree.sections[0].lines.iter().map(|line| line.text(0)).collect();
    assert_eq!(lines, ["b", "d", "i"]);
}

#[test]
fn conditions_hold_as_in_haproxy() {
    let env: Env = [("HOME", "/")].into_iter().collect();
    let cases: &[(&str, bool)] = &[
        ("", false),
        ("0", false),
        ("1", true),
        ("-1", true),
        ("+1", true),
        ("007", true),
        ("0x1", true),
        ("99999999999999999999", true),
        (" 1 ", true),
        ("!1", false),
        ("!!1", true),
        ("! 1", false),
        ("( 1 )", true),
        ("1&&1", true),
        ("0 || 1 && 0", false),
        ("1 || 1 && 0", true),
        ("!(1 && 0)", true),
        ("defined()", false),
        ("defined", false),
        ("defined(HOME)", true),
        ("defined( HOME )", false),
        ("defined('HOME')", true),
        ("!defined(HOME) || 1", true),
        ("feature", true),
        ("feature()", true),
        ("feature(LUA)", true),
        ("feature(lua)", false),
        ("feature(QUIC)", false),
        ("feature && 1", true),
        ("enabled(EPOLL)", true),
        ("enabled(SPLICE)", false),
        ("streq(a,a)", true),
        ("streq( a,a)", false),
        ("streq(,)", true),
        ("streq(a b,a b)", true),
        ("streq(\"a,b\",'a,b')", true),
        ("streq('a)',a\\))", false),
        ("strneq(a,b)", true),
        ("strstr(abc,b)", true),
        ("strstr(abc,d)", false),
        ("version_atleast(2.6.12-1+deb12u4)", true),
        ("version_atleast(3.0-dev5)", true),
        ("version_atleast(3.0)", true),
        ("version_atleast(3.0.1)", false),
        ("version_atleast(3.1-dev1)", false),
        ("version_atleast(a)", true),
        ("version_before(3.0)", false),
        ("version_before(3.1)", true),
        ("openssl_version_atleast(1.1.1)", false),
    ];
    for (text, expected) in cases {
        match eval(text, &env) {
            Ok(value) => assert_eq!(value, *expected, "{text}"),
            // `\)` is no escape, so the parenthesis ends the argument.
            Err(error) => assert_eq!(error.message.contains("unexpected"), text.contains("\\)")),
        }
    }
}

#[test]
fn wrong_conditions_are_refused_in_words_of_haproxy() {
    let tail = "argument 1 of predicate";
    let used = "used in conditional expression";
    let cases: &[(&str, usize, String)] = &[
        ("foo(a)", 0, "unparsable conditional expression 'foo(a)'".into()),
        ("definedx", 0, "unparsable conditional expression 'definedx'".into()),
        ("1 && foo", 5, "unparsable conditional expression 'foo'".into()),
        ("0 && foo(a)", 5, "unparsable conditional expression 'foo(a)'".into()),
        ("1 &&", 2, "unparsable conditional expression '&&'".into()),
        ("0 || 1 || ", 7, "unparsable conditional expression '0 || 1 || '".into()),
        ("1 ||| 1", 4, "unparsable conditional expression '| 1'".into()),
        ("()", 1, "unparsable conditional expression ')'".into()),
        ("!", 0, "unparsable conditional expression '!'".into()),
        ("! foo", 0, "unparsable conditional expression '! foo'".into()),
        ("- 1", 0, "unparsable conditional expression '- 1'".into()),
        ("1a", 1, "unexpected character 'a' at the end of conditional expression '1a'".into()),
        ("08", 1, "unexpected character '8' at the end of conditional expression '08'".into()),
        ("1é", 1, "unexpected character 'é' at the end of conditional expression '1é'".into()),
        ("(1", 0, "expected ')' after conditional expression '(1'".into()),
        ("!(1", 0, "expected ')' after conditional expression '!(1'".into()),
        ("defined(", 8, format!("expected ')' in {tail} 'defined' {used}")),
        ("defined(,)", 8, format!("expected ')' before ',)' in {tail} 'defined' {used}")),
        ("streq(a,b,c)", 9, format!("expected ')' before ',c)' in {tail} 'streq' {used}")),
        (
            "streq(a)",
            7,
            format!("missing arguments (got 1/2), type 'string' expected in {tail} 'streq' {used}"),
        ),
    ];
    for (text, at, message) in cases {
        let error = eval(text, &Env::new()).err();
        let shown = error.map(|error| (error.at.start, error.message));
        assert_eq!(shown, Some((*at, message.clone())), "{text}");
    }
    assert!(eval(&"(".repeat(100_000), &Env::new()).is_err());
    assert!(eval(&"!".repeat(100_000), &Env::new()).is_err());
}

#[test]
fn conditions_of_the_command_line_are_unquoted_first() {
    let env: Env = [("HOME", "/root")].into_iter().collect();
    let check = |text: &str| condition::check(text, &env).map_err(|error| error.message);
    assert_eq!(check("streq(\"$HOME\",/root)"), Ok(true));
    assert_eq!(check("streq(\"a b\",a\\ b)"), Ok(true));
    assert_eq!(check(" 1\\ "), Ok(true));
    assert_eq!(check(""), Ok(false));
    let refused = |text| check(text).err().unwrap_or_default();
    assert_eq!(refused("'a"), "Syntax Error in condition: Unmatched quote.");
    assert_eq!(
        refused("\\x4"),
        "Syntax Error in condition: Truncated or invalid hexadecimal sequence."
    );
    assert_eq!(
        refused("1 # b"),
        "Failed to evaluate condition: unexpected character '#' at the end of conditional \
         expression '1 # b'"
    );
}

#[test]
fn tables_are_sorted() {
    assert!(SECTIONS.is_sorted());
    assert!(condition::predicates().is_sorted());
    assert!(FEATURES.is_sorted_by_key(|feature| feature.name));
}

/// Texts made of what means something to the reader.
const ALPHABET: &str = "(\\PC|[ \t\r\n\0\"'\\\\$#{}\\[\\]*().,!&|x0-9_V-]|\\$\\{V\\[\\*\\]\\}|\
                        \\$\\{UTF-é\\}|\\.if |\\.elif |\\.else|\\.endif|\\.alert |\n|\
                        global|frontend|setenv ){0,60}";

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_is_read_and_every_span_lies_in_it(body in ALPHABET, global in 0..2_u8) {
        let text = if global == 1 { format!("global\n{body}") } else { body };
        let (_, tree, diagnostics) = read(&text);
        let fits = |span: Span| {
            let (start, end) = (span.start as usize, span.end as usize);
            span.source == 0 && start <= end && text.get(start..end).is_some()
        };
        for diagnostic in &diagnostics {
            prop_assert!(diagnostic.span.is_some_and(fits), "{diagnostic:?}");
        }
        for section in &tree.sections {
            prop_assert!(fits(section.span));
            for line in &section.lines {
                prop_assert!(fits(line.span) && !line.words.is_empty());
                for word in &line.words {
                    prop_assert!(fits(word.span), "{word:?}");
                    for start in 0..=word.text.len() {
                        let part = word.sub(start..start + 1);
                        prop_assert!(fits(part), "{word:?} {start} {part:?}");
                        prop_assert!(part.start >= word.span.start && part.end <= word.span.end);
                    }
                }
            }
        }
    }

    #[test]
    fn quoted_text_is_read_back(text in "[^'\n\r\0]{0,40}") {
        let (_, tree, diagnostics) = read(&format!("global\n k '{text}'\n"));
        prop_assert_eq!(diagnostics, []);
        let word = &tree.sections[0].lines[0].words[1];
        prop_assert_eq!(&word.text, &text);
    }

    #[test]
    fn any_condition_is_read(text in "(\\PC|[ !&|(),'\"\\\\01x-]|streq|defined|feature\\(){0,30}") {
        if let Err(error) = eval(&text, &Env::new()) {
            prop_assert!(text.get(error.at.clone()).is_some(), "{error:?}");
        }
    }
}
