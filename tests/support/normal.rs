//! Takes out of a log line what differs from run to run.

/// Returns the line with `PORT`, `DATE` and, for each timer that is not -1, `N`.
pub(crate) fn log_line(line: &str) -> String {
    let line = client(&ports(&dates(line)));
    let Some((before, after)) = line.split_once("[DATE] ") else { return line };
    let mut words: Vec<String> = after.split(' ').map(str::to_owned).collect();
    if let Some(word) = words.get_mut(2).filter(|word| word.contains('/')) {
        *word = word.split('/').map(timer).collect::<Vec<_>>().join("/");
    }
    format!("{before}[DATE] {}", words.join(" "))
}

/// Returns the text with `127.0.0.1:PORT` for each such address.
pub(crate) fn ports(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|byte: char| byte.is_ascii_digit());
        out.push_str(if rest.len() < part.len() { "127.0.0.1:PORT" } else { "127.0.0.1:" });
        out.push_str(rest);
    }
    out
}

/// Returns the line with `BYTES` for the count of bytes sent.
pub(crate) fn bytes(line: &str) -> String {
    let Some((before, after)) = line.split_once("[DATE] ") else { return line.to_owned() };
    let mut words: Vec<&str> = after.split(' ').collect();
    // After the timers of HTTP comes the status.
    let at = if words.get(2).is_some_and(|timers| timers.split('/').count() == 5) { 4 } else { 3 };
    if let Some(word) = words.get_mut(at) {
        *word = "BYTES";
    }
    format!("{before}[DATE] {}", words.join(" "))
}

/// Returns the line with `CONNS` for the five counts of connections.
pub(crate) fn connections(line: &str) -> String {
    let is_counts =
        |word: &&str| word.split('/').filter_map(|n| n.parse::<i64>().ok()).count() == 5;
    match line.split(' ').rfind(is_counts) {
        Some(counts) => line.replace(counts, "CONNS"),
        None => line.to_owned(),
    }
}

/// Returns the line with `PORT` for the port of the client that it begins with.
fn client(line: &str) -> String {
    let Some((first, rest)) = line.split_once(' ') else { return line.to_owned() };
    match first.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => format!("{host}:PORT {rest}"),
        _ => line.to_owned(),
    }
}

/// Returns the text with `LEN` for the number of its first content-length.
pub(crate) fn content_length(text: &str) -> String {
    let Some((before, after)) = text.split_once("content-length: ") else { return text.to_owned() };
    format!("{before}content-length: LEN{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// Returns the line with `[DATE]` for `[22/Nov/2026:14:00:00.000]`.
fn dates(line: &str) -> String {
    let Some(start) = line.find('[') else { return line.to_owned() };
    match line[start..].find(']') {
        Some(length) if is_date(&line[start + 1..start + length]) => {
            format!("{}[DATE]{}", &line[..start], &line[start + length + 1..])
        }
        _ => line.to_owned(),
    }
}

fn is_date(text: &str) -> bool {
    const SHAPE: &str = "00/Aaa/0000:00:00:00.000";
    text.len() == SHAPE.len()
        && text.chars().zip(SHAPE.chars()).all(|(seen, shape)| match shape {
            '0' => seen.is_ascii_digit(),
            'A' | 'a' => seen.is_ascii_alphabetic(),
            _ => seen == shape,
        })
}

fn timer(text: &str) -> &str {
    match text.strip_prefix('+').unwrap_or(text).parse::<u64>() {
        Ok(_) if text.starts_with('+') => "+N",
        Ok(_) => "N",
        Err(_) => text,
    }
}
