//! Fewer states for the same question, where some lines may be answered either way.
//!
//! Every line that is asked about is one of a format: what is said of others does not matter. So states that agree on
//! the lines of the format are put together, one after the other, and with them what they lead to.

use std::collections::HashMap;

/// States that are put together at most: what begins with more makes no expression that is short enough, either.
const MOST_DISTINCT: usize = 100;

/// States that are left at most: more make no expression that is short enough.
const MOST_SETTLED: usize = 60;

/// The state that refuses whatever comes; every other one leads to a line that is accepted.
pub(super) const REFUSED: usize = 1;

/// States, what they say of a line that ends there (`None`: either way), and to which they lead on each column (`None`:
/// no such line).
pub(super) struct Table {
    pub(super) says: Vec<Option<bool>>,
    pub(super) next: Vec<Vec<Option<usize>>>,
}

/// States put together so far: each stands for itself or for another, and every change can be undone.
struct Merging {
    table: Table,
    stands_for: Vec<usize>,
    undo: Vec<Change>,
}

enum Change {
    Stands(usize),
    Says(usize),
    Next(usize, usize),
}

impl Merging {
    fn name(&self, mut at: usize) -> usize {
        while self.stands_for[at] != at {
            at = self.stands_for[at];
        }
        at
    }

    /// Puts two together, and what they lead to; takes it back and gives `false` where they say different things of
    /// some line.
    fn put_together(&mut self, one: usize, other: usize) -> bool {
        let mut todo = vec![(one, other)];
        while let Some((one, other)) = todo.pop() {
            let (one, other) = (self.name(one), self.name(other));
            if one == other {
                continue;
            }
            // The earlier one stays: those that are settled come first.
            let (one, other) = (one.min(other), one.max(other));
            let (says, also) = (self.table.says[one], self.table.says[other]);
            // Every other state accepts something sooner or later: not to follow it there saves most of the time.
            if one == REFUSED || other == REFUSED || says.zip(also).is_some_and(|(says, also)| says != also) {
                self.take_back();
                return false;
            }
            if says.is_none() && also.is_some() {
                self.table.says[one] = also;
                self.undo.push(Change::Says(one));
            }
            self.stands_for[other] = one;
            self.undo.push(Change::Stands(other));
            for column in 0..self.table.next[one].len() {
                match (self.table.next[one][column], self.table.next[other][column]) {
                    (Some(a), Some(b)) => todo.push((a, b)),
                    (None, Some(to)) => {
                        self.table.next[one][column] = Some(to);
                        self.undo.push(Change::Next(one, column));
                    }
                    _ => {}
                }
            }
        }
        self.undo.clear();
        true
    }

    fn take_back(&mut self) {
        while let Some(change) = self.undo.pop() {
            match change {
                Change::Stands(at) => self.stands_for[at] = at,
                Change::Says(at) => self.table.says[at] = None,
                Change::Next(at, column) => self.table.next[at][column] = None,
            }
        }
    }
}

/// What states have in common that are alike: a name so far, what is said, and the names of where they lead.
type Alike = (usize, Option<bool>, Vec<Option<usize>>);

/// The same with states that are alike in everything as one: what is left to put together is less.
fn distinct(table: &Table) -> Table {
    let mut names: Vec<usize> = vec![0; table.says.len()];
    let mut count = 0;
    loop {
        let mut known: HashMap<Alike, usize> = HashMap::new();
        let of = |at: usize| {
            let row = table.next[at].iter().map(|to| to.map(|to| names[to])).collect();
            (names[at], table.says[at], row)
        };
        let refined: Vec<usize> = (0..names.len())
            .map(|at| {
                let next = known.len();
                *known.entry(of(at)).or_insert(next)
            })
            .collect();
        names = refined;
        if known.len() == count {
            break;
        }
        count = known.len();
    }
    let mut made = Table { says: Vec::new(), next: Vec::new() };
    for (at, name) in names.iter().enumerate() {
        // They are named in the order in which they are met.
        if *name == made.says.len() {
            made.says.push(table.says[at]);
            made.next.push(table.next[at].iter().map(|to| to.map(|to| names[to])).collect());
        }
    }
    made
}

/// The same with fewer states, `None` where many are left. The first stays the first.
pub(super) fn merged(table: &Table) -> Option<Table> {
    let (kept, of) = columns(table);
    let some = table.next.iter().map(|row| kept.iter().map(|column| row[*column]).collect()).collect();
    let few = put_together(&Table { says: table.says.clone(), next: some })?;
    let all = few.next.iter().map(|row| of.iter().map(|column| row[*column]).collect()).collect();
    Some(Table { says: few.says, next: all })
}

/// Columns that differ, and which of them each column is like.
fn columns(table: &Table) -> (Vec<usize>, Vec<usize>) {
    let mut known: HashMap<Vec<Option<usize>>, usize> = HashMap::new();
    let mut kept = Vec::new();
    let count = table.next.first().map_or(0, Vec::len);
    let of = (0..count).map(|column| {
        let next = kept.len();
        let place = *known.entry(table.next.iter().map(|row| row[column]).collect()).or_insert(next);
        if place == next {
            kept.push(column);
        }
        place
    });
    let of = of.collect();
    (kept, of)
}

fn put_together(table: &Table) -> Option<Table> {
    let table = distinct(table);
    let n = table.says.len();
    if n > MOST_DISTINCT {
        return None;
    }
    let mut merging = Merging { table, stands_for: (0..n).collect(), undo: Vec::new() };
    let mut settled = vec![0];
    for at in 1..n {
        if merging.name(at) != at {
            continue;
        }
        if !settled.iter().any(|known| merging.put_together(*known, at)) {
            settled.push(at);
        }
        if settled.len() > MOST_SETTLED {
            return None;
        }
    }
    let place: Vec<Option<usize>> = {
        let mut place = vec![None; n];
        settled.iter().enumerate().for_each(|(new, at)| place[*at] = Some(new));
        place
    };
    let row = |at: &usize| {
        let to = |to: &Option<usize>| to.and_then(|to| place[merging.name(to)]);
        merging.table.next[*at].iter().map(to).collect()
    };
    let says = settled.iter().map(|at| merging.table.says[*at]).collect();
    Some(Table { says, next: settled.iter().map(row).collect() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn states_that_agree_wherever_it_matters_are_one() {
        // Two columns; what stands on the second is asked about from the last state only.
        let says = vec![None, Some(false), None, None, Some(true)];
        let next = vec![
            vec![Some(2), None],
            vec![Some(REFUSED), Some(REFUSED)],
            vec![Some(3), None],
            vec![Some(4), None],
            vec![Some(4), Some(REFUSED)],
        ];
        let few = merged(&Table { says, next }).unwrap();
        assert_eq!(few.says, [Some(true), Some(false)]);
        assert_eq!(few.next, [[Some(0), Some(1)], [Some(1), Some(1)]]);
    }
}
