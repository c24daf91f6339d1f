//! Dates in headers: one form written, three read (RFC 9110 5.6.7).

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::civil::DateTime;
use jiff::civil::Time;
use jiff::tz::Offset;

/// Returns a date in the form that is sent: `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// The date is given in seconds since 1970; one outside of the years 0 to 9999 is the nearest inside.
pub fn format(seconds: i64) -> String {
    let seconds = seconds.clamp(-62_167_219_200, 253_402_207_200);
    let date = Timestamp::from_second(seconds).unwrap_or_default();
    Offset::UTC.to_datetime(date).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Returns the seconds since 1970 of a date in one of the three forms.
///
/// A year of two digits is taken as RFC 9110 5.6.7 says: more than 50 years ahead of `now`, it is in
/// the past; so it needs the present date, in seconds since 1970.
pub fn parse(text: &[u8], now: i64) -> Option<i64> {
    let text = str::from_utf8(text).ok()?.trim_ascii();
    let mut words = text.split([' ', ',']).filter(|word| !word.is_empty());
    let words: [&str; 6] = std::array::from_fn(|_| words.next().unwrap_or_default());
    let date = match words {
        [day_name, day, month, year, time, "GMT"] if WEEK.contains(&day_name) && day.len() == 2 => {
            civil(day, month, four(year)?, time)
        }
        [day_name, date, time, "GMT", "", ""] if WEEK_LONG.contains(&day_name) => {
            let mut parts = date.split('-');
            let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
            let year = nearest(year, now)?;
            civil(day, month, year, time).filter(|_| parts.next().is_none())
        }
        [day_name, month, day, time, year, ""] if WEEK.contains(&day_name) => {
            civil(day, month, four(year)?, time)
        }
        _ => None,
    }?;
    Offset::UTC.to_timestamp(date).ok().map(Timestamp::as_second)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEK: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const WEEK_LONG: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

fn civil(day: &str, month: &str, year: i16, time: &str) -> Option<DateTime> {
    let month = MONTHS.iter().position(|name| *name == month)?.checked_add(1)?;
    let date = Date::new(year, i8::try_from(month).ok()?, number(day)?).ok()?;
    let mut parts = time.split(':').map(|part| number(part).filter(|_| part.len() == 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    // A leap second is the second before it, as in the system's clock.
    let time = Time::new(hour, minute, second.min(59), 0).ok().filter(|_| second <= 60)?;
    Some(date.to_datetime(time))
}

fn four(year: &str) -> Option<i16> {
    let digits = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| year.parse().ok())?
}

fn nearest(year: &str, now: i64) -> Option<i16> {
    let now = Offset::UTC.to_datetime(Timestamp::from_second(now).ok()?).year();
    let century = now.checked_sub(now.checked_rem(100)?)?;
    let year = century.checked_add(i16::from(number(year).filter(|_| year.len() == 2)?))?;
    if year > now.checked_add(50)? { year.checked_sub(100) } else { Some(year) }
}

fn number(text: &str) -> Option<i8> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    #[test]
    fn the_three_forms_are_read() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse(text.as_bytes(), NOW), Some(784_111_777), "{text}");
        }
        assert_eq!(parse(b"Thu, 01 Jan 1970 00:00:00 GMT", NOW), Some(0));
        assert_eq!(parse(b"Sunday, 06-Nov-60 08:49:37 GMT", NOW), Some(2_866_956_577));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "now",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov -994 08:49:37 GMT",
            "Xxx, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse(text.as_bytes(), NOW), None, "{text}");
        }
    }

    #[test]
    fn a_date_beyond_the_calendar_is_the_nearest() {
        assert_eq!(format(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(format(i64::MIN), "Sat, 01 Jan 0000 00:00:00 GMT");
        assert_eq!(format(i64::MAX), "Thu, 30 Dec 9999 22:00:00 GMT");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds in 0i64..200_000_000_000) {
            prop_assert_eq!(parse(format(seconds).as_bytes(), NOW), Some(seconds));
        }

        #[test]
        fn no_text_panics(text: Vec<u8>, now: i64) {
            let _ = parse(&text, now);
        }
    }
}
