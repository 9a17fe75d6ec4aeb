//! Whether what a pattern makes of a line is what the line says, decided for every line that there can be.
//!
//! A format with the shapes of its variables is a regular language whose words are its lines, and a pattern is another.
//! Both are automata whose states are the characters of their expressions (Glushkov's), each with the part of the line
//! that it belongs to. The two are run side by side over every line at once: where some line has a reading by the
//! pattern and a true one that put a character into different parts, those parts are disputed. Whatever is not disputed
//! is read right off every line that the pattern matches, whichever of several readings the engine happens to find.

use std::collections::{BTreeSet, HashMap};

use super::expr::{Expr, Set};

/// Characters of expressions, and pairs of them, that are looked at: a format is at most 3 KB (documented quota). What
/// needs more is not decided.
const MOST_STATES: usize = 6_000;
const MOST_PAIRS: usize = 400_000;

/// A part of a line.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Which.
    pub(super) label: u16,
    /// What it may be.
    pub(super) expr: Expr,
}

/// The start, as the state before the first character.
pub(super) const START: u32 = u32::MAX;

/// Lines of certain parts.
#[derive(Debug, Default)]
pub(super) struct Automaton {
    pub(super) sets: Vec<Set>,
    pub(super) labels: Vec<u16>,
    pub(super) first: Vec<u32>,
    pub(super) follow: Vec<Vec<u32>>,
    pub(super) last: Vec<bool>,
}

impl Automaton {
    /// The lines that `parts` make one after the other; `None` where that is too long to be reasoned about.
    pub(super) fn of(parts: &[Part]) -> Option<Self> {
        let mut made = Self::default();
        let mut before = vec![START];
        for part in parts {
            before = made.add(&part.expr, part.label, before);
            if made.sets.len() > MOST_STATES {
                return None;
            }
        }
        made.last = vec![false; made.sets.len()];
        for state in before.into_iter().filter(|state| *state != START) {
            made.last[state as usize] = true;
        }
        Some(made)
    }

    /// Adds an expression after the states `before`; gives those that what comes next stands after.
    fn add(&mut self, expr: &Expr, label: u16, before: Vec<u32>) -> Vec<u32> {
        match expr {
            Expr::Text(text) => text.chars().fold(before, |before, letter| {
                let set = Set::of(letter.encode_utf8(&mut [0; 4]));
                vec![self.state(set, label, &before)]
            }),
            Expr::One(set) => vec![self.state(*set, label, &before)],
            Expr::Many(set) => {
                let state = self.state(*set, label, &before);
                self.link(&[state], state);
                vec![state]
            }
            Expr::Any(set) => {
                let state = self.state(*set, label, &before);
                self.link(&[state], state);
                before.into_iter().chain([state]).collect()
            }
            Expr::Quoted => {
                let plain = self.state(Set::all().without("\"\\"), label, &before);
                let backslash = self.state(Set::of("\\"), label, &before);
                let taken = self.state(Set::all(), label, &[backslash]);
                self.link(&[plain, taken], plain);
                self.link(&[plain, taken], backslash);
                before.into_iter().chain([plain, taken]).collect()
            }
            Expr::Seq(parts) => parts.iter().fold(before, |before, part| self.add(part, label, before)),
            Expr::Either(parts) => parts.iter().flat_map(|part| self.add(part, label, before.clone())).collect(),
        }
    }

    fn state(&mut self, set: Set, label: u16, before: &[u32]) -> u32 {
        let state = u32::try_from(self.sets.len()).unwrap_or(START - 1);
        self.sets.push(set);
        self.labels.push(label);
        self.follow.push(Vec::new());
        self.link(before, state);
        state
    }

    fn link(&mut self, from: &[u32], to: u32) {
        for state in from {
            let next = if *state == START { &mut self.first } else { &mut self.follow[*state as usize] };
            if !next.contains(&to) {
                next.push(to);
            }
        }
    }
}

/// The parts that some line is read wrong in: a reading by `pattern` and a true one differ there. `None` where that
/// cannot be decided.
pub(super) fn disputed(pattern: &Automaton, truth: &Automaton) -> Option<BTreeSet<u16>> {
    let mut known: HashMap<(u32, u32), usize> = HashMap::new();
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    // From where each pair is come to.
    let mut back: Vec<Vec<usize>> = Vec::new();
    let mut at = None;
    loop {
        let (left, right) = match at {
            None => (&pattern.first, &truth.first),
            Some(at) => {
                let (left, right): (u32, u32) = pairs[at];
                (&pattern.follow[left as usize], &truth.follow[right as usize])
            }
        };
        for left in left {
            for right in right {
                if !pattern.sets[*left as usize].meets(truth.sets[*right as usize]) {
                    continue;
                }
                let to = *known.entry((*left, *right)).or_insert_with(|| {
                    pairs.push((*left, *right));
                    back.push(Vec::new());
                    pairs.len() - 1
                });
                back[to].extend(at);
            }
        }
        if pairs.len() > MOST_PAIRS {
            return None;
        }
        let next = at.map_or(0, |at| at + 1);
        if next >= pairs.len() {
            break;
        }
        at = Some(next);
    }
    // Only what leads to the end of a line is part of one.
    let ends = |(left, right): &(u32, u32)| pattern.last[*left as usize] && truth.last[*right as usize];
    let mut useful: Vec<bool> = pairs.iter().map(ends).collect();
    let mut todo: Vec<usize> = (0..pairs.len()).filter(|at| useful[*at]).collect();
    while let Some(at) = todo.pop() {
        for from in &back[at] {
            if !std::mem::replace(&mut useful[*from], true) {
                todo.push(*from);
            }
        }
    }
    let labels = |(left, right): &(u32, u32)| (pattern.labels[*left as usize], truth.labels[*right as usize]);
    let differing = pairs.iter().zip(useful).filter(|(_, useful)| *useful).map(|(pair, _)| labels(pair));
    Some(differing.filter(|(left, right)| left != right).flat_map(|(left, right)| [left, right]).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lines(parts: &[(u16, Expr)]) -> Automaton {
        let parts: Vec<Part> = parts.iter().map(|(label, expr)| Part { label: *label, expr: expr.clone() }).collect();
        Automaton::of(&parts).unwrap()
    }

    fn text(text: &str) -> Expr {
        Expr::Text(text.into())
    }

    #[test]
    fn what_stands_between_two_that_may_be_anything_is_disputed() {
        let anything = || Expr::Any(Set::all());
        let number = || Expr::Many(Set::digits());
        let open = lines(&[(1, anything()), (2, text(" ")), (3, number()), (4, text(" ")), (5, anything())]);
        assert_eq!(disputed(&open, &open), Some(BTreeSet::from([1, 2, 3, 4, 5])));
        // Read only where the first holds no space, it is still not told: the last may hold what looks like it.
        let word = || Expr::Any(Set::all().without(" "));
        let first = lines(&[(1, word()), (2, text(" ")), (3, number()), (4, text(" ")), (5, anything())]);
        assert!(disputed(&first, &open).unwrap().contains(&3));
        let both = lines(&[(1, word()), (2, text(" ")), (3, number()), (4, text(" ")), (5, word())]);
        assert_eq!(disputed(&both, &open), Some(BTreeSet::new()));
    }

    #[test]
    fn what_a_fixed_end_tells_is_told_whatever_stands_before_it() {
        let number = || Expr::Many(Set::digits());
        let line = lines(&[(1, Expr::Any(Set::all())), (2, text(" ")), (3, number())]);
        assert_eq!(disputed(&line, &line), Some(BTreeSet::new()));
        let no_space = lines(&[(1, Expr::Any(Set::all())), (3, number())]);
        assert_eq!(disputed(&no_space, &no_space), Some(BTreeSet::from([1, 3])));
    }
}
