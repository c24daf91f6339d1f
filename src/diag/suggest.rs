//! The nearest known name to a mistyped one.

use strsim::damerau_levenshtein;

/// The longest word that is compared: a longer one is no misspelling of a keyword.
const LONGEST: usize = 64;

/// Returns the candidate that `word` most likely misspells, if one is near enough.
pub fn suggest<T: AsRef<str>>(word: &str, candidates: impl IntoIterator<Item = T>) -> Option<T> {
    let length = word.chars().count();
    if length == 0 || length > LONGEST {
        return None;
    }
    // Most words of three letters are two mistakes away from another.
    let limit = if length <= 3 { 1 } else { (length / 3).max(2) };
    let limit = limit.min(length - 1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.as_ref().len() <= LONGEST && candidate.as_ref() != word)
        .map(|candidate| (damerau_levenshtein(word, candidate.as_ref()), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the hint that names the suggestion, in HAProxy's words.
pub fn hint<T: AsRef<str>>(word: &str, candidates: impl IntoIterator<Item = T>) -> Option<String> {
    suggest(word, candidates).map(|name| format!("did you mean '{}' ?", name.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::hint;
    use super::suggest;

    const NAMES: &[&str] = &["bind", "log-sample", "log-tag", "mode", "maxconn"];

    #[test]
    fn swapped_letters_are_one_mistake() {
        assert_eq!(suggest("log-sampel", NAMES.iter().copied()), Some("log-sample"));
        assert_eq!(suggest("mdoe", NAMES.iter().copied()), Some("mode"));
    }

    #[test]
    fn far_words_suggest_nothing() {
        assert_eq!(suggest("server", NAMES.iter().copied()), None);
        assert_eq!(suggest("", NAMES.iter().copied()), None);
        assert_eq!(suggest("x", NAMES.iter().copied()), None);
        assert_eq!(suggest(&"x".repeat(100_000), NAMES.iter().copied()), None);
    }

    #[test]
    fn word_itself_is_no_suggestion() {
        assert_eq!(suggest("mode", ["mode"]), None);
    }

    #[test]
    fn hint_is_in_words_of_haproxy() {
        assert_eq!(hint("bnid", NAMES.iter().copied()).as_deref(), Some("did you mean 'bind' ?"));
    }
}
