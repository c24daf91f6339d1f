//! Results of tests as JUnit's XML, which build servers read.

use std::fmt::Write as _;
use std::time::Duration;

/// The results of a file.
pub(super) struct Group<'a> {
    pub name: &'a str,
    pub cases: Vec<Case<'a>>,
}

/// The result of a test.
pub(super) struct Case<'a> {
    pub name: &'a str,
    pub file: &'a str,
    pub line: u32,
    pub time: Duration,
    pub result: Result,
    /// What was logged meanwhile.
    pub log: String,
}

/// How a test ended.
pub(super) enum Result {
    Passed,
    Skipped,
    /// In a line, and in full.
    Failed(String, String),
}

/// Returns the document.
pub(super) fn document(groups: &[Group<'_>]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for Group { name, cases } in groups {
        let failed = cases.iter().filter(|it| matches!(it.result, Result::Failed(..))).count();
        let skipped = cases.iter().filter(|it| matches!(it.result, Result::Skipped)).count();
        let time: Duration = cases.iter().map(|case| case.time).sum();
        let _infallible = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" skipped=\"{skipped}\" \
             time=\"{:.6}\">",
            escape(name),
            cases.len(),
            time.as_secs_f64()
        );
        for case in cases {
            write_case(&mut out, case);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn write_case(out: &mut String, case: &Case<'_>) {
    let _infallible = write!(
        out,
        "    <testcase name=\"{}\" classname=\"{file}\" file=\"{file}\" line=\"{}\" time=\"{:.6}\"",
        escape(case.name),
        case.line,
        case.time.as_secs_f64(),
        file = escape(case.file),
    );
    let inner = match &case.result {
        Result::Passed => String::new(),
        Result::Skipped => "      <skipped/>\n".to_owned(),
        Result::Failed(line, full) => format!(
            "      <failure message=\"{}\">{}</failure>\n",
            escape(line),
            escape(full.trim_end())
        ),
    };
    let log = match case.log.is_empty() {
        true => String::new(),
        false => format!("      <system-out>{}</system-out>\n", escape(&case.log)),
    };
    if inner.is_empty() && log.is_empty() {
        out.push_str("/>\n");
    } else {
        let _infallible = writeln!(out, ">\n{inner}{log}    </testcase>");
    }
}

/// Returns text for XML: what it cannot hold is replaced.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
            '\t' => out.push('\t'),
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_escaped() {
        let case = Case {
            name: "a <b> & \"c\"",
            file: "x_test.lua",
            line: 3,
            time: Duration::from_millis(5),
            result: Result::Failed("one\u{1}".to_owned(), "- 1\n+ 2\n".to_owned()),
            log: String::new(),
        };
        let text = document(&[Group { name: "x_test.lua", cases: vec![case] }]);
        assert_eq!(
            text,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite \
             name=\"x_test.lua\" tests=\"1\" failures=\"1\" skipped=\"0\" time=\"0.005000\">\n    \
             <testcase name=\"a &lt;b&gt; &amp; &quot;c&quot;\" classname=\"x_test.lua\" \
             file=\"x_test.lua\" line=\"3\" time=\"0.005000\">\n      <failure \
             message=\"one\u{fffd}\">- 1\n+ 2</failure>\n    </testcase>\n  \
             </testsuite>\n</testsuites>\n"
        );
    }
}
