//! Fuzzy search over the rows of the board: every word typed must be found, the best matches come first.
//!
//! A word is found where it stands as it was typed, or else where its letters stand in order and not too far apart.
//! Written out because the crates that are kept up to date come under a licence that the project does not take
//! (`docs/decisions/0008-crates.md`).

/// What is searched for: words in lower case, all of which must be found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needle(Vec<Vec<char>>);

/// Where a word may be found, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hay<'a> {
    /// A name: letters in order are enough.
    Name(&'a str),
    /// Words that everybody knows: only as they are written.
    Word(&'a str),
}

/// A word that stands as it was typed is worth more than any that does not.
const AS_TYPED: u32 = 10_000;
const LETTER: u32 = 16;
const IN_A_ROW: u32 = 12;
const AT_A_START: u32 = 14;

impl Hay<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Name("") | Self::Word(""))
    }
}

impl Needle {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.split_whitespace().map(|word| word.to_lowercase().chars().collect()).collect())
    }

    /// Whether there is nothing to search for: then everything matches alike.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How well the hay matches; `None` where a word is nowhere in it. What comes first in the hay counts a little
    /// more.
    pub(crate) fn score<'a>(&self, hay: &(impl Iterator<Item = Hay<'a>> + Clone)) -> Option<u32> {
        let mut total = 0;
        for word in &self.0 {
            let found = hay.clone().zip([3, 2].into_iter().chain(std::iter::repeat(0)));
            let best = found.filter_map(|(hay, first)| Some(one(word, hay)? + first)).max()?;
            total += best;
        }
        Some(total)
    }
}

fn one(word: &[char], hay: Hay<'_>) -> Option<u32> {
    let (text, fuzzy) = match hay {
        Hay::Name(text) => (text, true),
        Hay::Word(text) => (text, false),
    };
    let letters: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    as_typed(word, &letters).or_else(|| if fuzzy { in_order(word, &letters) } else { None })
}

/// The word as it is: the better the earlier it comes, at the start of a part, and the more of the hay it is.
fn as_typed(word: &[char], hay: &[char]) -> Option<u32> {
    let at = hay.windows(word.len()).enumerate().filter(|(_, part)| *part == word).map(|(at, _)| at);
    at.map(|at| {
        let start = if starts_a_part(hay, at) { 200 } else { 0 };
        let rest = u32::try_from(hay.len() - word.len()).unwrap_or(u32::MAX).min(99);
        AS_TYPED + start + (100 - rest)
    })
    .max()
}

/// Letters in order, from every place where the first one stands, within a span that is no accident.
fn in_order(word: &[char], hay: &[char]) -> Option<u32> {
    let first = *word.first()?;
    let starts = (0..hay.len()).filter(|at| hay[*at] == first);
    starts.filter_map(|at| from(word, hay, at)).max()
}

fn from(word: &[char], hay: &[char], start: usize) -> Option<u32> {
    let (mut at, mut last, mut score) = (start, None, 0);
    for letter in word {
        at += hay[at..].iter().position(|c| c == letter)?;
        score += LETTER;
        if last.is_some_and(|last| last + 1 == at) {
            score += IN_A_ROW;
        } else if starts_a_part(hay, at) {
            score += AT_A_START;
        }
        last = Some(at);
        at += 1;
    }
    (at - start <= word.len() * 3 + 2).then_some(score)
}

fn starts_a_part(hay: &[char], at: usize) -> bool {
    at == 0 || !hay[at - 1].is_alphanumeric()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn score(text: &str, names: &[&str]) -> Option<u32> {
        Needle::new(text).score(&names.iter().map(|name| Hay::Name(name)))
    }

    #[test]
    fn what_was_typed_comes_before_what_has_its_letters() {
        let exact = score("shop", &["shop/prod"]).unwrap();
        let inside = score("shop", &["workshop-booking/prod"]).unwrap();
        let letters = score("shop", &["staging-hop/prod"]);
        assert!(exact > inside && Some(inside) > letters, "{exact} {inside} {letters:?}");
    }

    #[test]
    fn letters_in_order_are_found_and_far_apart_are_not() {
        assert!(score("shpr", &["shop/prod"]).is_some());
        assert!(score("prsh", &["shop/prod"]).is_none());
        assert!(score("sd", &["service-number-nine-hundred"]).is_none());
        assert!(score("SHOP", &["shop/prod"]).is_some() && score("kä", &["Käse/prod"]).is_some());
    }

    #[test]
    fn every_word_must_be_found_somewhere() {
        assert!(score("ops shop", &["shop/prod", "ops/eu-west-1"]).is_some());
        assert!(score("ops shop", &["shop/prod", "dev/eu-west-1"]).is_none());
        assert_eq!(Needle::new("  ").score(&[Hay::Name("x")].into_iter()), Some(0));
        let word = Needle::new("atack").score(&[Hay::Word("attack")].into_iter());
        assert_eq!(word, None, "a word that everybody knows is not guessed at");
    }
}
