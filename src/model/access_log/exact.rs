//! The lines of a format that put a part in one place only, as an expression.
//!
//! Two readings of a line are told apart by running them side by side; the lines that have no two which differ in a
//! part are a regular language as well. It is made by running all readings at once: one that is followed, and beside it
//! where those may be that put something else into the part. A line is refused where one of these comes to its end.
//! Lines that are none of the format may be answered either way, which leaves far fewer states (`merge`) and a shorter
//! expression (`eliminate`).
//!
//! All of that is bounded: what takes more states or a longer expression is asked once more by what stands beside the
//! part alone, and then left to narrower patterns (`split`). That all readings of a line put the *same text* into a
//! part, in different places, is no matter of a regular language, and not told.

use std::collections::HashMap;

use super::automaton::{Automaton, START};
use super::eliminate::{Edge, expression};
use super::expr::Set;
use super::merge::{REFUSED, Table, merged};

/// States that are looked at: more make no expression that is short enough, hardly ever.
const MOST_STATES: usize = 150;

/// States of an automaton, a bit each.
type States = Vec<u64>;

/// How a line has been read so far.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Readings {
    /// Where the reading that is followed may be.
    here: States,
    /// Where those may be that put something else into the wanted parts.
    elsewhere: States,
}

/// The lines that put the parts `wanted` in one place each, as an expression of at most `most` characters that says so
/// of lines of the format; `None` where it is longer or takes too much to find, or where there are none.
pub(super) fn one_reading(truth: &Automaton, wanted: &[u16], most: usize) -> Option<String> {
    let classes = classes(truth);
    let marks = wanted.len() + 1;
    let table = alive(&table(truth, wanted, &classes)?)?;
    let (table, classes) = fewer_classes(&table, &classes, marks);
    let table = merged(&table)?;
    let ends: Vec<bool> = table.says.iter().map(|says| *says == Some(true)).collect();
    expression(&edges(&table, &classes, marks), &ends, most)
}

/// The ways between states, without those that lead to nothing but refusal. Characters on which no line goes on are put
/// where they make the shortest expression.
fn edges(table: &Table, classes: &[Set], marks: usize) -> Vec<Edge> {
    let leads = leading(table);
    let mut edges = Vec::new();
    for (from, row) in table.next.iter().enumerate().filter(|(from, _)| leads[*from]) {
        let (mut ways, mut free): (Vec<Edge>, Set) = (Vec::new(), Set::none());
        for (class, columns) in classes.iter().zip(row.chunks(marks)) {
            if columns.iter().all(Option::is_none) {
                free = free.or(*class);
            }
            for to in columns.iter().flatten().copied().filter(|to| leads[*to]) {
                match ways.iter_mut().find(|way| way.to == to) {
                    Some(way) => way.set = way.set.or(*class),
                    None => ways.push(Edge { from, to, set: *class }),
                }
            }
        }
        let saves = |set: Set| set.width().checked_sub(set.or(free).width());
        if let Some((way, _)) =
            ways.iter_mut().filter_map(|way| saves(way.set).map(|saved| (way, saved))).max_by_key(|(_, saved)| *saved)
        {
            way.set = way.set.or(free);
        }
        edges.extend(ways);
    }
    edges
}

/// Which states lead to a line that is accepted.
fn leading(table: &Table) -> Vec<bool> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); table.next.len()];
    for (from, row) in table.next.iter().enumerate() {
        row.iter().flatten().for_each(|to| before[*to].push(from));
    }
    let mut leads: Vec<bool> = table.says.iter().map(|says| *says == Some(true)).collect();
    let mut todo: Vec<usize> = (0..leads.len()).filter(|at| leads[*at]).collect();
    while let Some(at) = todo.pop() {
        for from in &before[at] {
            if !std::mem::replace(&mut leads[*from], true) {
                todo.push(*from);
            }
        }
    }
    leads
}

/// Characters that no set of the automaton tells apart are one class.
fn classes(truth: &Automaton) -> Vec<Set> {
    let mut classes = vec![Set::all()];
    let mut known: Vec<Set> = Vec::new();
    for set in &truth.sets {
        if known.contains(set) {
            continue;
        }
        known.push(*set);
        let halves = classes.iter().flat_map(|class| [class.both(*set), class.less(*set)]);
        classes = halves.filter(|half| !half.is_empty()).collect();
    }
    classes
}

/// Characters that lead to the same states everywhere are one class.
fn fewer_classes(table: &Table, classes: &[Set], marks: usize) -> (Table, Vec<Set>) {
    let mut known: HashMap<Vec<&[Option<usize>]>, usize> = HashMap::new();
    let (mut kept, mut sets): (Vec<usize>, Vec<Set>) = (Vec::new(), Vec::new());
    for (at, class) in classes.iter().enumerate() {
        let leads = table.next.iter().map(|row| &row[at * marks..(at + 1) * marks]).collect();
        let place = *known.entry(leads).or_insert(sets.len());
        if place == sets.len() {
            kept.push(at);
            sets.push(*class);
        } else {
            sets[place] = sets[place].or(*class);
        }
    }
    let row = |row: &Vec<Option<usize>>| {
        kept.iter().flat_map(|at| row[at * marks..(at + 1) * marks].iter().copied()).collect()
    };
    (Table { says: table.says.clone(), next: table.next.iter().map(row).collect() }, sets)
}

/// Every way to read, from the start on: what is said is whether the line has one reading, and on the columns are each
/// class in no wanted part and in each.
// Long: one pass over the automaton; its parts share every set that it builds.
fn table(truth: &Automaton, wanted: &[u16], classes: &[Set]) -> Option<Table> {
    let words = truth.sets.len().div_ceil(64);
    let of = |fits: &dyn Fn(usize) -> bool| {
        let mut states = vec![0; words];
        (0..truth.sets.len()).filter(|at| fits(*at)).for_each(|at| set(&mut states, at));
        states
    };
    let taking: Vec<States> = classes.iter().map(|class| of(&|at| truth.sets[at].meets(*class))).collect();
    let none = of(&|at| !wanted.contains(&truth.labels[at]));
    let marks: Vec<States> =
        std::iter::once(none).chain(wanted.iter().map(|part| of(&|at| truth.labels[at] == *part))).collect();
    let last = of(&|at| truth.last[at]);
    let follow: Vec<States> = truth.follow.iter().map(|next| list(words, next)).collect();
    let after = |states: &States| {
        let mut after = vec![0; words];
        members(states).for_each(|at| join(&mut after, &follow[at]));
        after
    };

    let columns = classes.len() * marks.len();
    let mut known: HashMap<Readings, usize> = HashMap::new();
    // The start is where no character has been read.
    let mut all: Vec<Option<Readings>> = vec![None, None];
    let mut made = Table { says: vec![None, Some(false)], next: vec![Vec::new(), vec![Some(REFUSED); columns]] };
    let mut at = 0;
    while at < all.len() {
        if at == REFUSED {
            at += 1;
            continue;
        }
        let (here, elsewhere, says) = match &all[at] {
            None => (list(words, &truth.first), vec![0; words], None),
            Some(now) => {
                let (here, elsewhere) = (meet(&now.here, &last), meet(&now.elsewhere, &last));
                (after(&now.here), after(&now.elsewhere), (here || elsewhere).then_some(here && !elsewhere))
            }
        };
        let mut row = Vec::with_capacity(columns);
        for taking in &taking {
            let (may, others) = (both(&here, taking), both(&elsewhere, taking));
            if may.iter().chain(&others).all(|word| *word == 0) {
                row.extend(marks.iter().map(|_| None));
                continue;
            }
            for mark in &marks {
                let here = both(&may, mark);
                let mut elsewhere = others.clone();
                elsewhere.iter_mut().zip(may.iter().zip(mark)).for_each(|(word, (may, mark))| *word |= may & !mark);
                // Where every way on is another reading's as well, no line has one reading only.
                if here.iter().zip(&elsewhere).all(|(here, elsewhere)| here & !elsewhere == 0) {
                    row.push(Some(REFUSED));
                    continue;
                }
                let now = Readings { here, elsewhere };
                let next = all.len();
                let to = *known.entry(now.clone()).or_insert(next);
                if to == next {
                    all.push(Some(now));
                }
                row.push(Some(to));
            }
        }
        if all.len() > MOST_STATES {
            return None;
        }
        if at == 0 {
            made.next[0] = row;
        } else {
            made.says.push(says);
            made.next.push(row);
        }
        at += 1;
    }
    Some(made)
}

/// The same with what leads to no line of one reading refused; `None` where all does.
fn alive(table: &Table) -> Option<Table> {
    let leads = leading(table);
    let kept: Vec<usize> = (0..leads.len()).filter(|at| leads[*at] || *at == REFUSED).collect();
    if !leads[0] {
        return None;
    }
    let mut names = vec![REFUSED; leads.len()];
    kept.iter().enumerate().for_each(|(name, at)| names[*at] = name);
    let row = |at: &usize| table.next[*at].iter().map(|to| to.map(|to| names[to])).collect();
    Some(Table { says: kept.iter().map(|at| table.says[*at]).collect(), next: kept.iter().map(row).collect() })
}

fn set(states: &mut [u64], at: usize) {
    states[at / 64] |= 1 << (at % 64);
}

fn list(words: usize, of: &[u32]) -> States {
    let mut states = vec![0; words];
    of.iter().filter(|at| **at != START).for_each(|at| set(&mut states, *at as usize));
    states
}

fn members(states: &[u64]) -> impl Iterator<Item = usize> + '_ {
    let bits = |(word, bits): (usize, &u64)| {
        let bits = *bits;
        (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit)
    };
    states.iter().enumerate().filter(|(_, bits)| **bits != 0).flat_map(bits)
}

fn join(states: &mut [u64], more: &[u64]) {
    states.iter_mut().zip(more).for_each(|(word, more)| *word |= more);
}

fn both(a: &[u64], b: &[u64]) -> States {
    a.iter().zip(b).map(|(a, b)| a & b).collect()
}

fn meet(a: &[u64], b: &[u64]) -> bool {
    a.iter().zip(b).any(|(a, b)| a & b != 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::automaton::Part;
    use super::super::expr::Expr;
    use super::*;

    #[test]
    fn the_lines_with_one_reading_are_told_by_where_else_the_part_could_stand() {
        let anything = || Expr::Any(Set::all());
        let part = |label, expr| Part { label, expr };
        let text = |text: &str| Expr::Text(text.into());
        let line = [
            part(1, anything()),
            part(2, text(" ")),
            part(3, Expr::One(Set::digits())),
            part(4, text(" ")),
            part(5, anything()),
        ];
        let truth = Automaton::of(&line).unwrap();
        let lines = regex::Regex::new(&format!("^(?:{})$", one_reading(&truth, &[3], 500).unwrap())).unwrap();
        for one in ["x 1 y", " 1 ", "x y 1 z", "1 2 3", "x 12 3 4", "é 7 é"] {
            assert!(lines.is_match(one), "{one}");
        }
        for several in ["x 1 2 y", "1 2 3 4", " 1  2 "] {
            assert!(!lines.is_match(several), "{several}");
        }
        assert_eq!(one_reading(&truth, &[3], 5), None, "too long");
        let never = Automaton::of(&[part(1, Expr::Many(Set::digits())), part(2, Expr::Many(Set::digits()))]).unwrap();
        let lines = one_reading(&never, &[1], 500).unwrap();
        let lines = regex::Regex::new(&format!("^(?:{lines})$")).unwrap();
        assert!(lines.is_match("12") && !lines.is_match("123"));
    }
}
