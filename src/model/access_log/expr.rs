//! Regular expressions as data: what they match can be reasoned about, and they can be written out for Logs Insights.

use std::fmt::Write as _;

/// A set of characters. Those beyond ASCII are in it together or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Set {
    ascii: u128,
    others: bool,
}

impl Set {
    /// Every character.
    pub(super) const fn all() -> Self {
        Self { ascii: u128::MAX, others: true }
    }

    /// The characters of a text.
    pub(super) fn of(text: &str) -> Self {
        Self { ascii: 0, others: false }.and(text)
    }

    pub(super) fn digits() -> Self {
        Self::of("0123456789")
    }

    pub(super) fn letters() -> Self {
        let mut set = Self { ascii: 0, others: false };
        for letter in ('a'..='z').chain('A'..='Z') {
            set.ascii |= bit(letter);
        }
        set
    }

    pub(super) fn alphanumeric() -> Self {
        let (letters, digits) = (Self::letters(), Self::digits());
        Self { ascii: letters.ascii | digits.ascii, others: false }
    }

    /// With the characters of a text too.
    pub(super) fn and(mut self, text: &str) -> Self {
        for letter in text.chars() {
            self.ascii |= bit(letter);
            self.others |= !letter.is_ascii();
        }
        self
    }

    /// Without the characters of a text.
    pub(super) fn without(mut self, text: &str) -> Self {
        for letter in text.chars() {
            self.ascii &= !bit(letter);
            self.others &= letter.is_ascii();
        }
        self
    }

    /// Whether some character is in both.
    pub(super) const fn meets(self, other: Self) -> bool {
        self.ascii & other.ascii != 0 || (self.others && other.others)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.ascii == 0 && !self.others
    }

    /// No character.
    pub(super) const fn none() -> Self {
        Self { ascii: 0, others: false }
    }

    /// Those beyond ASCII.
    pub(super) const fn others() -> Self {
        Self { ascii: 0, others: true }
    }

    /// The characters of either.
    pub(super) const fn or(self, other: Self) -> Self {
        Self { ascii: self.ascii | other.ascii, others: self.others || other.others }
    }

    /// The characters of both.
    pub(super) const fn both(self, other: Self) -> Self {
        Self { ascii: self.ascii & other.ascii, others: self.others && other.others }
    }

    /// Without those of another.
    pub(super) const fn less(self, other: Self) -> Self {
        Self { ascii: self.ascii & !other.ascii, others: self.others && !other.others }
    }

    /// How long its expression is.
    pub(super) fn width(self) -> usize {
        let mut out = String::new();
        self.write_shortest(&mut out);
        out.len()
    }

    /// The same as an expression, without brackets where it is one character.
    pub(super) fn write_shortest(self, out: &mut String) {
        match u8::try_from(self.ascii.trailing_zeros()) {
            Ok(letter @ 0..128) if !self.others && self.ascii.is_power_of_two() => escape(char::from(letter), out),
            _ => self.write(out),
        }
    }

    fn has(self, letter: u8) -> bool {
        self.ascii & (1 << letter) != 0
    }

    fn write(self, out: &mut String) {
        if self == Self::all() {
            out.push_str(r"[\s\S]");
            return;
        }
        out.push_str(if self.others { "[^" } else { "[" });
        let mut letter = 0_u8;
        while letter < 128 {
            let first = letter;
            while letter < 128 && self.has(letter) != self.others {
                letter += 1;
            }
            match letter - first {
                0 => letter += 1,
                1 | 2 => (first..letter).for_each(|letter| escape(char::from(letter), out)),
                _ => {
                    escape(char::from(first), out);
                    out.push('-');
                    escape(char::from(letter - 1), out);
                }
            }
        }
        out.push(']');
    }
}

fn bit(letter: char) -> u128 {
    if letter.is_ascii() { 1 << (letter as u32) } else { 0 }
}

/// A character as an expression has it. What begins a comment in a query, ends the expression, or cannot be seen is
/// written by its number.
fn escape(letter: char, out: &mut String) {
    match letter {
        '#' | '/' | '`' | '\0'..='\x1f' | '\x7f' => {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{:02x}", u32::from(letter));
        }
        ' ' | '"' | '\'' | ',' | ':' | ';' | '=' | '<' | '>' | '@' | '_' | '!' | '%' | '&' | '~' => out.push(letter),
        letter if letter.is_ascii_punctuation() => out.extend(['\\', letter]),
        letter => out.push(letter),
    }
}

/// What a part of a line may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expr {
    /// Exactly this.
    Text(String),
    /// One character.
    One(Set),
    /// Any number of characters.
    Any(Set),
    /// One character or more.
    Many(Set),
    /// Text between quotation marks: a mark stands in it only after a backslash, which takes whatever comes after it.
    Quoted,
    /// One after the other.
    Seq(Vec<Self>),
    /// One of them.
    Either(Vec<Self>),
}

impl Expr {
    /// The same with none of the characters of a text where others are possible.
    pub(super) fn without(&self, text: &str) -> Self {
        let less = |set: Set| Some(set.without(text)).filter(|less| !less.is_empty()).unwrap_or(set);
        match self {
            Self::One(set) => Self::One(less(*set)),
            Self::Any(set) => Self::Any(less(*set)),
            Self::Many(set) => Self::Many(less(*set)),
            Self::Text(_) | Self::Quoted => self.clone(),
            Self::Seq(parts) => Self::Seq(parts.iter().map(|part| part.without(text)).collect()),
            Self::Either(parts) => Self::Either(parts.iter().map(|part| part.without(text)).collect()),
        }
    }

    /// Writes it in the language of Logs Insights' `parse`, from what the engines that it may be have in common.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => text.chars().for_each(|letter| escape(letter, out)),
            Self::One(set) => set.write(out),
            Self::Any(set) => {
                set.write(out);
                out.push('*');
            }
            Self::Many(set) => {
                set.write(out);
                out.push('+');
            }
            Self::Quoted => out.push_str(r#"(?:[^"\\]|\\[\s\S])*"#),
            Self::Seq(parts) => parts.iter().for_each(|part| part.write(out)),
            Self::Either(parts) => {
                out.push_str("(?:");
                for (at, part) in parts.iter().enumerate() {
                    if at > 0 {
                        out.push('|');
                    }
                    part.write(out);
                }
                out.push(')');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(expr: &Expr) -> String {
        let mut out = String::new();
        expr.write(&mut out);
        out
    }

    #[test]
    fn what_has_a_meaning_of_its_own_is_escaped() {
        assert_eq!(written(&Expr::Text("[a/b] \"$x\"#".into())), r#"\[a\x2fb\] "\$x"\x23"#);
        assert_eq!(written(&Expr::Many(Set::alphanumeric().and("-_"))), r"[\-0-9A-Z_a-z]+");
        assert_eq!(written(&Expr::Any(Set::all().without("\""))), "[^\"]*");
        assert_eq!(written(&Expr::Any(Set::all())), r"[\s\S]*");
    }
}
