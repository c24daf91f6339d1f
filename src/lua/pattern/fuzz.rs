//! The matcher as the fuzzer sees it: whole searches, in slices of any size.

use super::Capture;
use super::Error;
use super::Progress;
use super::Search;
use super::Substitution;
use super::Want;

/// The most slices a search may take.
const TURNS_MAX: usize = 100_000;

/// The range of a match and of its captures, or what is wrong with the pattern.
pub type Found = Result<Option<Vec<(usize, usize)>>, &'static str>;

/// Searches in slices of so many steps; none if it takes too many of them.
pub fn search(subject: &[u8], pattern: &[u8], anchored: bool, steps: usize) -> Option<Found> {
    let pattern = super::until_zero(pattern);
    let mut search = Search::new();
    search.begin(0, anchored);
    for _ in 0..TURNS_MAX {
        match search.run(subject, pattern, &mut steps.clone()) {
            Ok(Progress::Paused) => {}
            Ok(Progress::Missed) => return Some(Ok(None)),
            Ok(Progress::Found(first, last)) => {
                let captures = (0..search.level()).map(|index| {
                    Ok(match search.capture(index, (first, last))? {
                        Capture::Text(start, end) => (start, end),
                        Capture::Position(at) => (at, at),
                    })
                });
                let ranges = std::iter::once(Ok((first, last))).chain(captures);
                return Some(ranges.collect::<Result<_, _>>().map(Some).map_err(Error::text));
            }
            Err(error) => return Some(Err(error.text())),
        }
    }
    None
}

/// Replaces all matches in slices of so many steps; none if it takes too many of them.
pub fn substitute(
    subject: &[u8],
    pattern: &[u8],
    replacement: &[u8],
    steps: usize,
) -> Option<Result<(Vec<u8>, usize), &'static str>> {
    let pattern = super::until_zero(pattern);
    let (mut result, mut out) = (Vec::new(), Vec::new());
    let mut substitution = Substitution::new();
    substitution.begin(false, subject.len() + 1);
    for _ in 0..TURNS_MAX {
        let want =
            substitution.replace(subject, pattern, replacement, &mut out, &mut steps.clone());
        result.append(&mut out);
        match want {
            Ok(Want::Nothing) => return Some(Ok((result, substitution.count()))),
            Ok(_) => {}
            Err(error) => return Some(Err(error.text())),
        }
    }
    None
}
