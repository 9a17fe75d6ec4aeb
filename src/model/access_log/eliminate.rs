//! From states and the characters between them to one expression: states are taken out one by one, and what went
//! through them is written on the ways that stay.

use std::collections::{BTreeMap, BTreeSet};

use super::expr::Set;

/// A way from one state to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    /// On which characters.
    pub(super) set: Set,
}

/// What is on a way: any of these.
#[derive(Debug, Clone)]
struct Label {
    /// One of these characters.
    set: Set,
    /// Expressions, none of which has alternatives that are not in a group.
    texts: BTreeSet<String>,
    /// Nothing at all.
    nothing: bool,
}

impl Label {
    const fn nothing() -> Self {
        Self { set: Set::none(), texts: BTreeSet::new(), nothing: true }
    }

    fn is_nothing(&self) -> bool {
        self.nothing && self.texts.is_empty() && self.set.is_empty()
    }

    fn add(&mut self, other: Self) {
        self.set = self.set.or(other.set);
        self.texts.extend(other.texts);
        self.nothing |= other.nothing;
    }

    fn alternatives(&self) -> Vec<String> {
        let set = (!self.set.is_empty()).then(|| {
            let mut out = String::new();
            self.set.write_shortest(&mut out);
            out
        });
        set.into_iter().chain(self.texts.iter().cloned()).collect()
    }

    /// As a part of what stands one after the other.
    fn part(&self) -> String {
        let mut all = self.alternatives();
        match (all.len(), self.nothing) {
            (0, _) => String::new(),
            (1, false) => all.swap_remove(0),
            (1, true) if self.texts.is_empty() => format!("{}?", all[0]),
            (_, nothing) => format!("(?:{}){}", all.join("|"), if nothing { "?" } else { "" }),
        }
    }

    /// Any number of times.
    fn repeated(&self) -> String {
        let all = self.alternatives();
        match all.as_slice() {
            [] => String::new(),
            [one] if self.texts.is_empty() => format!("{one}*"),
            _ => format!("(?:{})*", all.join("|")),
        }
    }

    fn len(&self) -> usize {
        let set = if self.set.is_empty() { 0 } else { 6 };
        set + self.texts.iter().map(|text| text.len() + 1).sum::<usize>()
    }
}

/// One after the other, `around` any number of times between them.
fn through(before: &Label, around: Option<&Label>, after: &Label) -> Label {
    let around = around.map(Label::repeated).unwrap_or_default();
    if around.is_empty() && before.is_nothing() {
        return after.clone();
    }
    if around.is_empty() && after.is_nothing() {
        return before.clone();
    }
    let text = format!("{}{around}{}", before.part(), after.part());
    Label { set: Set::none(), texts: BTreeSet::from([text]), nothing: false }
}

struct Ways {
    out: Vec<BTreeMap<usize, Label>>,
    into: Vec<BTreeSet<usize>>,
}

impl Ways {
    fn add(&mut self, from: usize, to: usize, label: Label) {
        self.into[to].insert(from);
        match self.out[from].get_mut(&to) {
            Some(known) => known.add(label),
            None => {
                self.out[from].insert(to, label);
            }
        }
    }

    /// How much longer everything gets without a state.
    fn weight(&self, at: usize) -> usize {
        let outs = self.out[at].iter().filter(|(to, _)| **to != at);
        let ins = || self.into[at].iter().filter(|from| **from != at);
        let (n_in, n_out) = (ins().count(), outs.clone().count());
        let loops = self.out[at].get(&at).map_or(0, Label::len);
        let out_len: usize = outs.map(|(_, label)| label.len()).sum();
        let in_len: usize = ins().filter_map(|from| self.out[*from].get(&at)).map(Label::len).sum();
        in_len * n_out.saturating_sub(1) + out_len * n_in.saturating_sub(1) + loops * (n_in * n_out).saturating_sub(1)
    }

    /// Takes a state out; gives the length of the longest way that came of it.
    fn without(&mut self, at: usize) -> usize {
        let outs = std::mem::take(&mut self.out[at]);
        let ins = std::mem::take(&mut self.into[at]);
        let around = outs.get(&at);
        let mut longest = 0;
        for from in ins.iter().filter(|from| **from != at) {
            let Some(before) = self.out[*from].remove(&at) else { continue };
            for (to, after) in outs.iter().filter(|(to, _)| **to != at) {
                let label = through(&before, around, after);
                longest = longest.max(label.len());
                self.add(*from, *to, label);
            }
        }
        for to in outs.keys() {
            self.into[*to].remove(&at);
        }
        longest
    }
}

/// All that leads from the first state to one that `ends`, as an expression of at most `most` characters.
pub(super) fn expression(edges: &[Edge], ends: &[bool], most: usize) -> Option<String> {
    let (start, end) = (ends.len(), ends.len() + 1);
    let mut ways = Ways { out: vec![BTreeMap::new(); end + 1], into: vec![BTreeSet::new(); end + 1] };
    for edge in edges {
        ways.add(edge.from, edge.to, Label { set: edge.set, texts: BTreeSet::new(), nothing: false });
    }
    ways.add(start, 0, Label::nothing());
    for at in (0..ends.len()).filter(|at| ends[*at]) {
        ways.add(at, end, Label::nothing());
    }
    let mut left: BTreeSet<usize> = (0..ends.len()).collect();
    while let Some(at) = left.iter().copied().min_by_key(|at| ways.weight(*at)) {
        left.remove(&at);
        if ways.without(at) > most {
            return None;
        }
    }
    let whole = ways.out[start].get(&end)?.part();
    (whole.len() <= most).then_some(whole)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn edge(from: usize, to: usize, on: &str) -> Edge {
        Edge { from, to, set: Set::of(on) }
    }

    #[test]
    fn states_are_taken_out_until_one_expression_is_left() {
        assert_eq!(
            expression(&[edge(0, 1, "a"), edge(1, 1, "b"), edge(1, 2, "c")], &[false, false, true], 99).unwrap(),
            "ab*c"
        );
        let either = [edge(0, 1, "a"), edge(0, 2, "b"), edge(1, 3, "c"), edge(2, 3, "d")];
        assert_eq!(expression(&either, &[false, false, false, true], 99).unwrap(), "(?:ac|bd)");
        let maybe = [edge(0, 1, "a"), edge(1, 0, "b")];
        assert_eq!(expression(&maybe, &[true, true], 99).unwrap(), "(?:ab)*a?");
        assert_eq!(expression(&either, &[false, false, false, true], 5), None);
    }
}
