//! Patterns with `*` and `?`, as actions, resources and texts in a policy have them.

/// Whether a pattern with `*` (any run, also none) and `?` (one character) fits a text.
pub(super) fn wild(pattern: &str, text: &str) -> bool {
    let Some(literal) = pattern.find(['*', '?']) else { return pattern == text };
    if !text.starts_with(&pattern[..literal]) {
        return false;
    }
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern[literal..].chars().collect(), text[literal..].chars().collect());
    let (mut p, mut t) = (0, 0);
    // The last star passed, and how much of the text it takes: where the rest does not fit, it takes one character
    // more.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (p, t) = (at + 1, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Whether some text fits both of two patterns with `*` and `?`.
pub(super) fn intersect(a: &str, b: &str) -> bool {
    meeting(a, b).is_some()
}

/// A text that fits both of two patterns, where there is one.
pub(super) fn meeting(a: &str, b: &str) -> Option<String> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // meet[i][j]: the rest of `a` from i and the rest of `b` from j have a text in common.
    let mut meet = vec![vec![false; b.len() + 1]; a.len() + 1];
    for i in (0..=a.len()).rev() {
        for j in (0..=b.len()).rev() {
            let (x, y) = (a.get(i), b.get(j));
            meet[i][j] = match (x, y) {
                (None, None) => true,
                (Some('*'), None) => meet[i + 1][j],
                (None, Some('*')) => meet[i][j + 1],
                (Some('*'), Some(_)) | (Some(_), Some('*')) => meet[i + 1][j] || meet[i][j + 1],
                (Some(x), Some(y)) => (x == y || *x == '?' || *y == '?') && meet[i + 1][j + 1],
                _ => false,
            };
        }
    }
    meet[0][0].then(|| walked(&a, &b, &meet))
}

/// The text along the way that `meet` shows.
fn walked(a: &[char], b: &[char], meet: &[Vec<bool>]) -> String {
    let some = |c: char| if c == '?' { 'x' } else { c };
    let (mut at, mut text) = ((0, 0), String::new());
    loop {
        let (i, j) = at;
        at = match (a.get(i), b.get(j)) {
            // A star that takes nothing more.
            (Some('*'), _) if meet[i + 1][j] => (i + 1, j),
            (_, Some('*')) if meet[i][j + 1] => (i, j + 1),
            // One that takes what the other has.
            (Some('*'), Some(other)) => {
                text.push(some(*other));
                (i, j + 1)
            }
            (Some(other), Some('*')) => {
                text.push(some(*other));
                (i + 1, j)
            }
            (Some(one), Some(other)) => {
                text.push(if *one == '?' { some(*other) } else { *one });
                (i + 1, j + 1)
            }
            // At the end of both: `meet` shows the way.
            _ => return text,
        };
    }
}

/// An ARN against a pattern of one, part by part; `None` where either is none.
pub(super) fn parts_match(pattern: &str, arn: &str) -> Option<bool> {
    let (wanted, parts): (Vec<&str>, Vec<&str>) = (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    (wanted.len() == 6 && parts.len() == 6)
        .then(|| wanted.iter().zip(&parts).all(|(pattern, part)| wild(pattern, part)))
}

/// Whether a text is one of some ARNs, or fits one of some patterns of them.
pub(super) fn arn_matches(values: &[String], text: &str) -> Option<bool> {
    let all: Option<Vec<bool>> = values.iter().map(|value| parts_match(value, text)).collect();
    Some(all?.contains(&true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_meet_where_some_text_fits_both() {
        for (a, b, meet) in [
            ("prod/GET/pets/*", "prod/*/pets/admin", true),
            ("prod/POST/*", "prod/*/admin", true),
            ("prod/GET/docs/*", "prod/*/*", true),
            ("prod/GET/pets", "prod/POST/*", false),
            ("prod/GET/pets/*", "dev/GET/pets/*", false),
            ("a*b", "ab", true),
            ("a?*b", "a*cd*", true),
            ("a*b", "ac", false),
            ("*", "", true),
        ] {
            assert_eq!(intersect(a, b), meet, "{a} {b}");
            assert_eq!(intersect(b, a), meet, "{b} {a}");
            if let Some(text) = meeting(a, b) {
                assert!(wild(a, &text) && wild(b, &text), "{text}");
            }
        }
    }

    #[test]
    fn a_star_takes_any_run_and_a_question_mark_one_character() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*c", "abbbc", true),
            ("a*c", "ac", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcd", false),
            ("a?c", "ac", false),
            ("*/GET/*", "prod/GET/x/y", true),
            ("**a", "bba", true),
        ] {
            assert_eq!(wild(pattern, text), fits, "{pattern} {text}");
        }
    }
}
