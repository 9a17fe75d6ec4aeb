//! AWS's patterns, as the services match them.
//!
//! They are written for Java and match whole values, also where the model has no anchors (a log group named `a:b` is
//! refused by `[\.\-_/#A-Za-z0-9]+`, as users' reports show). In Java `\w`, `\d` and `\s` are ASCII's and `.` stops at
//! more line ends than at `\n`; here each is written out. What the `regex` crate cannot express is not checked, and a
//! test holds the list of it.

use regex::Regex;

/// Java's `\s`, to be put into a class.
const SPACE: &str = r" \t\n\x0B\f\r";
/// Java's `\w`.
const WORD: &str = "a-zA-Z_0-9";
/// Java's `.`: all but line ends.
const DOT: &str = r"[^\n\r\x{85}\x{2028}\x{2029}]";

/// A pattern of a model.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    /// As the model has it, which is how errors quote it.
    pub(crate) source: String,
    /// `None` for one that cannot be translated.
    regex: Option<Regex>,
}

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn read(source: &str) -> Self {
        Self { source: source.to_owned(), regex: translated(source).and_then(|text| Regex::new(&text).ok()) }
    }

    /// Whether a whole value fits; one that cannot be told does.
    pub(crate) fn fits(&self, value: &str) -> bool {
        self.regex.as_ref().is_none_or(|regex| regex.is_match(value))
    }

    /// Whether values are compared with it at all.
    #[cfg(test)]
    pub(crate) fn is_checked(&self) -> bool {
        self.regex.is_some()
    }
}

/// A Java pattern in the language of the `regex` crate; `None` where it has something that the crate does not.
fn translated(source: &str) -> Option<String> {
    let mut out = String::with_capacity(source.len() * 2);
    out.push_str(r"\A(?:");
    let mut letters = source.chars().peekable();
    let mut in_class = false;
    // Whether the last thing written can be repeated: a `+` after a repetition makes it possessive.
    let mut repeated = false;
    while let Some(letter) = letters.next() {
        let repeats = matches!(letter, '*' | '+' | '?' | '}');
        match letter {
            '\\' => out.push_str(&escape(letters.next()?, in_class)?),
            // Lookaround, atomic and named groups; `(?:` alone is the same in both.
            '(' if !in_class && letters.peek() == Some(&'?') => {
                letters.next();
                if letters.next() != Some(':') {
                    return None;
                }
                out.push_str("(?:");
            }
            '+' if !in_class && repeated => return None,
            '.' if !in_class => out.push_str(DOT),
            '[' if in_class => return None,
            '[' => {
                in_class = true;
                out.push('[');
                if letters.peek() == Some(&'^') {
                    letters.next();
                    out.push('^');
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            // The crate's own operators within classes.
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(letter);
            }
            '-' if in_class && letters.peek() == Some(&']') => out.push_str(r"\-"),
            other => out.push(other),
        }
        repeated = repeats && !in_class;
    }
    out.push_str(r")\z");
    (!in_class).then_some(out)
}

/// What stands after a backslash.
fn escape(letter: char, in_class: bool) -> Option<String> {
    let class = |members: &str, negated: bool| match (in_class, negated) {
        (true, false) => members.to_owned(),
        (_, true) => format!("[^{members}]"),
        (false, false) => format!("[{members}]"),
    };
    Some(match letter {
        's' => class(SPACE, false),
        'S' => class(SPACE, true),
        'w' => class(WORD, false),
        'W' => class(WORD, true),
        'd' => class("0-9", false),
        'D' => class("0-9", true),
        // References back, anchors that differ, quoting.
        '0'..='9' | 'k' | 'G' | 'Z' | 'Q' | 'E' | 'R' | 'X' | 'h' | 'H' | 'v' | 'V' => return None,
        other => format!("\\{other}"),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn values_are_matched_whole_and_as_java_would() {
        for (pattern, fits, breaks) in [
            (r"[\.\-_/#A-Za-z0-9]+", "a/b#c", "a:b"),
            (r"^[\w\-]+$", "a-b_1", "a b"),
            (r"^[\w\-]+$", "a", "\u{e9}"),
            (r".*\S.*", " x ", "  "),
            (r".*", "a\tb", "a\rb"),
            (r"[\s\S]*", "a\r\nb", "\u{0}\u{0}a\u{10ffff}".get(9..).unwrap_or("never")),
            (r"([/])|([/](([^~])|(~[01]))+)", "/a~1b", "/a~2"),
            (r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$", "\u{e9} 1", "a!"),
            (r"[\w#+=/:,.@-]*", "arn:a-b", "a b"),
            (r"^\d{12}$", "123456789012", "\u{661}23456789012"),
        ] {
            let pattern = Pattern::read(pattern);
            assert!(pattern.is_checked(), "{pattern:?}");
            assert!(pattern.fits(fits), "{pattern:?} and {fits}");
            if breaks != "never" {
                assert!(!pattern.fits(breaks), "{pattern:?} and {breaks}");
            }
        }
    }

    #[test]
    fn what_cannot_be_translated_is_not_checked() {
        for pattern in ["(?=a)a", "(?!b).", "a++", "(a)\\1", "[a[b]]", "(?>a)b", "a*+", "[a"] {
            assert!(!Pattern::read(pattern).is_checked(), "{pattern}");
            assert!(Pattern::read(pattern).fits("anything"), "{pattern}");
        }
    }
}
