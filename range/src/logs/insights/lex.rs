//! Words, numbers, quoted text, regular expressions and signs of a query.

use super::Malformed;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name or a keyword; also a length of time such as `5m`.
    Word(String),
    /// A name between backticks.
    Name(String),
    Text(String),
    Number(f64),
    Regex(String),
    Sign(&'static str),
}

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) start: usize,
    pub(super) end: usize,
}

const SIGNS: [&str; 14] = ["!=", "<=", ">=", "=~", "=", "<", ">", "(", ")", "[", "]", ",", "|", "*"];

/// Takes a query apart. `#` begins a comment to the end of its line (documented).
pub(super) fn lex(query: &str) -> Result<Vec<Placed>, Malformed> {
    let letters: Vec<char> = query.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(letter) = letters.get(at).copied() {
        let start = at;
        let token = match letter {
            _ if letter.is_whitespace() => {
                at += 1;
                continue;
            }
            '#' => {
                at = letters[at..].iter().position(|letter| *letter == '\n').map_or(letters.len(), |end| at + end);
                continue;
            }
            '"' | '\'' => Token::Text(enclosed(&letters, &mut at, letter, false)?),
            '`' => Token::Name(enclosed(&letters, &mut at, letter, false)?),
            '/' => Token::Regex(enclosed(&letters, &mut at, letter, true)?),
            '-' if letters.get(at + 1).is_some_and(char::is_ascii_digit) => {
                at += 1;
                word(&letters, start, &mut at)
            }
            _ if inside_a_word(letter) => word(&letters, start, &mut at),
            _ => {
                let here: String = letters[at..].iter().take(2).collect();
                let sign = SIGNS.into_iter().find(|sign| here.starts_with(sign)).ok_or_else(|| Malformed {
                    message: format!("unexpected symbol found {letter} at position {start}"),
                    start,
                    end: start + 1,
                })?;
                at += sign.len();
                Token::Sign(sign)
            }
        };
        tokens.push(Placed { token, start, end: at });
    }
    Ok(tokens)
}

/// Names have letters, digits, `@`, `.` and `_`; others stand between backticks (documented).
fn inside_a_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '@' | '.')
}

fn word(letters: &[char], start: usize, at: &mut usize) -> Token {
    while letters.get(*at).is_some_and(|letter| inside_a_word(*letter)) {
        *at += 1;
    }
    let word: String = letters[start..*at].iter().collect();
    let digits = word.trim_start_matches('-').starts_with(|letter: char| letter.is_ascii_digit());
    match word.parse() {
        Ok(number) if digits => Token::Number(number),
        _ => Token::Word(word),
    }
}

/// What stands up to the closing sign. A backslash takes the next letter as it is; inside a regular expression both
/// stay.
fn enclosed(letters: &[char], at: &mut usize, close: char, regex: bool) -> Result<String, Malformed> {
    let start = *at;
    let mut text = String::new();
    *at += 1;
    while let Some(letter) = letters.get(*at).copied() {
        *at += 1;
        match letter {
            '\\' if letters.get(*at).is_some() => {
                let next = letters[*at];
                *at += 1;
                if regex && next != '/' {
                    text.push('\\');
                }
                text.push(next);
            }
            _ if letter == close => return Ok(text),
            _ => text.push(letter),
        }
    }
    Err(Malformed { message: format!("{close} is not closed"), start, end: letters.len() })
}
