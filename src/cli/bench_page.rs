//! The report of `luaproxy bench --html`: one file with plots, which needs nothing else.

use std::fmt::Write as _;

use super::bench::Row;
use super::bench::grouped;

const STYLE: &str = "
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff }
table { border-collapse: collapse; width: 100% }
th, td { text-align: right; padding: .2rem .6rem; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
svg { width: 100%; height: auto; margin: .5rem 0 }
svg text { font: 11px system-ui, sans-serif; fill: #555 }
.bar { fill: #4477aa } .before { stroke: #cc6677; stroke-width: 2; stroke-dasharray: 4 3 }
.median { stroke: #222; stroke-width: 1 } .slower { color: #a00 } .faster { color: #070 }
";

/// How large a plot is, and how many bars it has.
const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 160.0;
const BARS: usize = 60;

/// Returns the page.
pub(super) fn page(rows: &[Row], against: Option<&str>) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>luaproxy \
         bench</title>\n<style>{STYLE}</style></head>\n<body><h1>luaproxy bench</h1>\n<table><tr>\
         <th>function</th><th>calls/s</th><th>ns/call</th><th>p99</th><th>allocations</th>\
         <th>bytes/call</th><th>traces</th>"
    );
    if let Some(name) = against {
        let _infallible = write!(out, "<th>against {}</th>", escape(name));
    }
    out.push_str("</tr>\n");
    for row in rows {
        let median = row.quantile(0.5);
        let _infallible = write!(
            out,
            "<tr><td>{} lua.{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.1}</td><td>{:.0}</td>\
             <td>{}</td>",
            row.subject.kind,
            escape(&row.subject.name),
            grouped(1e9 / median.max(1.0)),
            grouped(median),
            grouped(row.quantile(0.99)),
            row.measured.allocations,
            row.measured.bytes,
            row.measured.traces,
        );
        if against.is_some() {
            let class = match row.change() {
                Some(change) if row.is_clear() && change > 0.0 => "slower",
                Some(_) if row.is_clear() => "faster",
                _ => "",
            };
            let text = row.change().map_or_else(String::new, |change| format!("{change:+.1} %"));
            let _infallible = write!(out, "<td class=\"{class}\">{text}</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
    for row in rows {
        section(&mut out, row);
    }
    out.push_str("</body></html>\n");
    out
}

fn section(out: &mut String, row: &Row) {
    let (kind, name) = (row.subject.kind, escape(&row.subject.name));
    let (count, calls) = (row.measured.batches.len(), row.measured.calls);
    let _infallible = writeln!(
        out,
        "<h2>{kind} lua.{name}</h2>\n<p>Nanoseconds a call, of {count} batches of {calls} calls. The \
         line is the median; a dashed one is that of the run it is compared with.</p>"
    );
    plot(out, row);
    if !row.measured.aborts.is_empty() {
        out.push_str("<p>Where LuaJIT gave up:</p>\n<ul>\n");
        for abort in &row.measured.aborts {
            let _infallible = writeln!(out, "<li><code>{}</code></li>", escape(abort));
        }
        out.push_str("</ul>\n");
    }
}

/// Draws how many batches took how long; the slowest hundredth is left out.
fn plot(out: &mut String, row: &Row) {
    let median = row.quantile(0.5);
    let known = row.before.map(|(before, _)| before);
    let low = row.quantile(0.0).min(known.unwrap_or(f64::INFINITY)) * 0.98;
    let high = row.quantile(0.99).max(known.unwrap_or(0.0)) * 1.02;
    let width = (high - low).max(1.0);
    let mut bars = [0_u32; BARS];
    for nanos in &row.measured.batches {
        let place = (nanos - low) / width * BARS as f64;
        if let Some(bar) = bars.get_mut(place as usize) {
            *bar += 1;
        }
    }
    let most = f64::from(bars.iter().copied().max().unwrap_or(1).max(1));
    let _infallible = writeln!(out, "<svg viewBox=\"0 0 {WIDTH} {}\">", HEIGHT + 20.0);
    let step = WIDTH / BARS as f64;
    for (place, bar) in bars.iter().enumerate().filter(|(_, bar)| **bar > 0) {
        let height = f64::from(*bar) / most * (HEIGHT - 10.0);
        let _infallible = writeln!(
            out,
            "<rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\">\
             <title>{bar} batches</title></rect>",
            place as f64 * step,
            HEIGHT - height,
            step - 1.0,
        );
    }
    let lines = [(Some(median), "median"), (known, "before")];
    for (nanos, class) in lines.iter().filter_map(|(nanos, class)| Some(((*nanos)?, class))) {
        let x = (nanos - low) / width * WIDTH;
        let _infallible = writeln!(
            out,
            "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{HEIGHT}\"/>"
        );
    }
    for part in 0..5 {
        let share = f64::from(part) / 4.0;
        let anchor = ["start", "middle", "middle", "middle", "end"][part as usize];
        let _infallible = writeln!(
            out,
            "<text x=\"{:.0}\" y=\"{}\" text-anchor=\"{anchor}\">{} ns</text>",
            share * WIDTH,
            HEIGHT + 15.0,
            grouped(low + share * width),
        );
    }
    out.push_str("</svg>\n");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
