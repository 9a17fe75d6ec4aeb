//! How a line is taken apart: patterns for `parse`, and which fields each of them tells.
//!
//! A pattern tells a field where no line that it matches can have another value there (`automaton`). The widest comes
//! first: every line of the format matches it, and what it tells is told of every request. Of the other fields each has
//! a pattern of the lines that put it in one place only (`exact`): a line in which somebody wrote what could be taken
//! for it is not read, and counts as not read. Where that pattern would be too long, a narrower one reads lines whose
//! free text holds nothing that could end it. No pattern rests on API Gateway escaping anything: that it does is
//! reported by users and not documented.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::automaton::{Automaton, Part, disputed};
use super::exact::one_reading;
use super::expr::{Expr, Set};
use super::shape::shape;
use super::{Field, Piece};

/// Characters of all patterns together: a query has 10,000 at most (documented), and asks something too.
const MOST_OF_ALL: usize = 7_500;
/// Characters of patterns of fields that stand together, above which one for all of them is tried.
const MOST_APART: usize = 1_500;

/// The label of what a pattern passes over.
const PASSED_OVER: u16 = u16::MAX;

/// A field as a query has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// Its name there.
    pub(super) name: String,
    /// Whether every line of the format tells it, and not only those whose free text leaves it alone.
    pub(super) always: bool,
}

/// Fields, and which variable of the format each is.
type Group = Vec<(Field, usize)>;

/// How lines are taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Split {
    /// `parse` clauses, each with ` | ` after it.
    pub(super) prelude: String,
    pub(super) fields: BTreeMap<Field, Told>,
}

/// Variables of a format and the text around them.
struct Line<'a> {
    pieces: &'a [Piece<'a>],
    /// What each variable may hold; `None` for anything.
    shapes: Vec<Option<Expr>>,
    /// Whether the format ends with a line break. Whether a line then does is not documented.
    breaks: bool,
}

impl<'a> Line<'a> {
    fn of(pieces: &'a [Piece<'a>], breaks: bool) -> Self {
        Self { pieces, shapes: pieces.iter().filter_map(|piece| piece.variable).map(shape).collect(), breaks }
    }

    /// The line with `free` in the places of what may be anything.
    fn parts(&self, free: impl Fn(usize) -> Expr) -> Vec<Part> {
        let mut parts = Vec::new();
        for (at, piece) in self.pieces.iter().enumerate() {
            parts.push(Part { label: text_label(at), expr: Expr::Text(piece.text.to_owned()) });
            if let Some(known) = self.shapes.get(at) {
                parts.push(Part { label: label(at), expr: known.clone().unwrap_or_else(|| free(at)) });
            }
        }
        if self.breaks {
            parts.push(Part { label: PASSED_OVER, expr: Expr::Any(Set::of("\r\n")) });
        }
        parts
    }

    /// The same with all that stands between the first and the last that may be anything as one.
    fn ends(&self) -> Vec<Part> {
        let mut free = (0..self.shapes.len()).filter(|at| self.shapes[*at].is_none());
        let parts = self.parts(|_| Expr::Any(Set::all()));
        let Some(first) = free.next() else { return parts };
        let Some(last) = free.next_back() else { return parts };
        let (from, to) = (label(first), label(last));
        let middle = Part { label: PASSED_OVER, expr: Expr::Any(Set::all()) };
        let (front, back) = (parts.iter().filter(|p| p.label < from), parts.iter().filter(|p| p.label > to));
        front.cloned().chain([middle]).chain(back.cloned()).collect()
    }

    /// The character after a variable.
    fn after(&self, at: usize) -> Option<char> {
        self.pieces.get(at + 1).and_then(|piece| piece.text.chars().next())
    }

    /// The character before it.
    fn before(&self, at: usize) -> Option<char> {
        self.pieces[at].text.chars().next_back()
    }

    fn is_quoted(&self, at: usize) -> bool {
        self.before(at) == Some('"') && self.after(at) == Some('"')
    }

    /// What a variable may hold where nothing in it may look like what ends it.
    fn bounded(&self, at: usize) -> Expr {
        let end: String = self.after(at).into_iter().collect();
        Expr::Any(Set::all().without(&end))
    }

    /// The lines of the format, whatever they hold.
    fn whole(&self) -> Vec<Part> {
        self.parts(|_| Expr::Any(Set::all()))
    }

    /// The same, with text beyond ASCII taken for any such: a character there is several for an engine that goes by
    /// bytes.
    fn blurred(&self) -> Vec<Part> {
        let mut parts = self.whole();
        for part in &mut parts {
            let Expr::Text(text) = &part.expr else { continue };
            if text.is_ascii() {
                continue;
            }
            let mut pieces = Vec::new();
            for letter in text.chars() {
                let other = Expr::Many(Set::others());
                if letter.is_ascii() {
                    pieces.push(Expr::Text(letter.into()));
                } else if pieces.last() != Some(&other) {
                    pieces.push(other);
                }
            }
            part.expr = Expr::Seq(pieces);
        }
        parts
    }

    /// The line by what stands around one variable only: all that is not beside it and may lie behind text that may be
    /// anything is passed over. Where such a line has the variable in one place, so has the format's. `None` where what
    /// stands beside it stands elsewhere as well.
    fn around(&self, at: usize) -> Option<Vec<Part>> {
        let free = |at: &usize| self.shapes[*at].is_none();
        let (front, back) = ((0..at).any(|at| free(&at)), (at + 1..self.shapes.len()).any(|at| free(&at)));
        let passed_over = || Part { label: PASSED_OVER, expr: Expr::Any(Set::all()) };
        let parts = self.blurred();
        let marked = |at: usize, expr: Expr| Part { label: text_label(at), expr };
        let mut around = Vec::new();
        if front {
            around.extend([passed_over(), marked(at, Expr::Text(self.telling(self.pieces[at].text, true)?))]);
        } else {
            around.extend(parts.iter().filter(|part| part.label < label(at)).cloned());
        }
        around.extend(parts.iter().filter(|part| part.label == label(at)).cloned());
        if back {
            let after = self.pieces.get(at + 1).map_or("", |piece| piece.text);
            around.extend([marked(at + 1, Expr::Text(self.telling(after, false)?)), passed_over()]);
        } else {
            around.extend(parts.iter().filter(|part| part.label > label(at)).cloned());
        }
        Some(around)
    }

    /// The shortest end of a text, or beginning, that stands once in the format.
    fn telling(&self, text: &str, end: bool) -> Option<String> {
        let count = |part: &str| self.pieces.iter().map(|piece| piece.text.matches(part).count()).sum::<usize>();
        let cuts = || text.char_indices().map(|(at, _)| at).chain([text.len()]);
        let one = |part: &&str| !part.is_empty() && part.is_ascii() && count(part) == 1;
        let found =
            if end { cuts().rev().map(|at| &text[at..]).find(one) } else { cuts().map(|at| &text[..at]).find(one) };
        found.map(str::to_owned)
    }

    /// Open fields by what they stand between, those that matter most first: variables that have a form between two
    /// that have none.
    fn groups(&self, open: &BTreeMap<Field, Vec<usize>>) -> Vec<Group> {
        let group =
            |at: usize| (self.shapes[at].is_none(), self.shapes[..at].iter().filter(|shape| shape.is_none()).count());
        let mut groups: Vec<((bool, usize), Group)> = Vec::new();
        for (field, at) in open.iter().filter_map(|(field, places)| Some((*field, *places.first()?))) {
            match groups.iter_mut().find(|(known, _)| *known == group(at)) {
                Some((_, fields)) => fields.push((field, at)),
                None => groups.push((group(at), vec![(field, at)])),
            }
        }
        groups.into_iter().map(|(_, fields)| fields).collect()
    }

    /// Patterns of some lines, widest first.
    fn narrower(&self) -> Vec<Vec<Part>> {
        if self.shapes.iter().all(Option::is_some) {
            return Vec::new();
        }
        let mut patterns = vec![
            self.parts(|at| if self.is_quoted(at) { Expr::Quoted } else { self.bounded(at) }),
            self.parts(|at| self.bounded(at)),
        ];
        // Text that could end any of them is in none of them.
        let free = || (0..self.shapes.len()).filter(|at| self.shapes[*at].is_none());
        let around: String = free().flat_map(|at| self.before(at).into_iter().chain(self.after(at))).collect();
        let none_of_them = Expr::Any(Set::all().without(&around));
        let words = self.parts(|_| none_of_them.clone());
        // Nor in what has a form, where that leaves it open.
        let variable = |part: &Part| part.label % 2 == 1 && part.label != PASSED_OVER;
        let narrow = |part: &Part| Part { expr: part.expr.without(&around), ..part.clone() };
        patterns.push(words.clone());
        patterns.push(words.iter().map(|part| if variable(part) { narrow(part) } else { part.clone() }).collect());
        patterns
    }
}

fn text_label(at: usize) -> u16 {
    u16::try_from(at * 2).unwrap_or(PASSED_OVER - 1)
}

fn label(at: usize) -> u16 {
    u16::try_from(at * 2 + 1).unwrap_or(PASSED_OVER - 1)
}

/// Takes the lines of a format apart.
pub(super) fn split(pieces: &[Piece<'_>], breaks: bool) -> Split {
    let line = Line::of(pieces, breaks);
    let Some(truth) = Automaton::of(&line.whole()) else { return Split::default() };
    let mut open: BTreeMap<Field, Vec<usize>> = Field::ALL.into_iter().map(|f| (f, places(pieces, f))).collect();
    open.retain(|_, places| !places.is_empty());
    let mut split = Split::default();
    split.read(&line.ends(), &truth, &mut open, true);
    split.read_exact(&line, &mut open);
    for parts in line.narrower() {
        split.read(&parts, &truth, &mut open, false);
    }
    split
}

impl Split {
    /// Reads by one pattern what it tells of the fields that are still open.
    fn read(&mut self, parts: &[Part], truth: &Automaton, open: &mut BTreeMap<Field, Vec<usize>>, always: bool) {
        if open.is_empty() {
            return;
        }
        let wrong = Automaton::of(parts).and_then(|pattern| disputed(&pattern, truth));
        let Some(wrong) = wrong else { return };
        let held: BTreeSet<u16> = parts.iter().map(|part| part.label).collect();
        let tells = |at: &usize| held.contains(&label(*at)) && !wrong.contains(&label(*at));
        let mut captured = BTreeSet::new();
        open.retain(|field, places| {
            let Some(at) = places.iter().find(|at| tells(at)) else { return true };
            captured.insert(label(*at));
            self.fields.insert(*field, Told { name: format!("v{at}"), always });
            false
        });
        if !captured.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(self.prelude, "parse @message {}", clause(parts, &captured));
        }
    }

    /// Reads what is still open from the lines that have it in one place only. Any reading of such a line is right.
    fn read_exact(&mut self, line: &Line<'_>, open: &mut BTreeMap<Field, Vec<usize>>) {
        let Some(blurred) = Automaton::of(&line.blurred()).filter(|_| !open.is_empty()) else { return };
        let mut room = MOST_OF_ALL.saturating_sub(self.prelude.len());
        for group in line.groups(open) {
            let written = |exact: &Exact| exact.written(line).len();
            let mut found = exact(line, &blurred, &group, room);
            let sum: usize = found.iter().map(written).sum();
            if found.len() > 1 && sum > MOST_APART {
                // Those that stand together are read together where that is shorter: lines that put one of them in two
                // places tell none then.
                let labels: Vec<u16> = group.iter().map(|(_, at)| label(*at)).collect();
                let together = one_reading(&blurred, &labels, room.min(sum));
                found = together.map_or(found, |lines| vec![Exact { lines, told: group.clone() }]);
            }
            for one in found {
                let clauses = one.written(line);
                let Some(left) = room.checked_sub(clauses.len()) else { continue };
                room = left;
                self.prelude.push_str(&clauses);
                for (field, at) in &one.told {
                    open.remove(field);
                    self.fields.insert(*field, Told { name: format!("v{at}"), always: false });
                }
            }
        }
    }
}

/// The lines that have some fields in one place each.
struct Exact {
    lines: String,
    told: Group,
}

impl Exact {
    fn written(&self, line: &Line<'_>) -> String {
        let captured = self.told.iter().map(|(_, at)| label(*at)).collect();
        let name = self.told.first().map_or(0, |(_, at)| *at);
        format!("parse @message /^(?<u{name}>{})$/ | parse u{name} {}", self.lines, clause(&line.whole(), &captured))
    }
}

/// Each field by itself, those of the same lines together.
fn exact(line: &Line<'_>, blurred: &Automaton, fields: &[(Field, usize)], most: usize) -> Vec<Exact> {
    let mut found: Vec<Exact> = Vec::new();
    for (field, at) in fields {
        let around = || one_reading(&Automaton::of(&line.around(*at)?)?, &[label(*at)], most);
        let Some(lines) = one_reading(blurred, &[label(*at)], most).or_else(around) else { continue };
        match found.iter_mut().find(|known| known.lines == lines) {
            Some(known) => known.told.push((*field, *at)),
            None => found.push(Exact { lines, told: vec![(*field, *at)] }),
        }
    }
    found
}

/// Whether a field stands beside a variable that may hold anything, with nothing in between: of hardly any line is it
/// told.
pub(super) fn touches(pieces: &[Piece<'_>], field: Field) -> bool {
    let free = |at: usize| pieces.get(at).and_then(|piece| piece.variable).is_some_and(|name| shape(name).is_none());
    let together = |at: usize| pieces.get(at).is_some_and(|piece| piece.text.is_empty());
    let touched = |at: &usize| {
        let before = at.checked_sub(1).is_some_and(|before| free(before) && together(*at));
        before || (free(at + 1) && together(at + 1))
    };
    let places = places(pieces, field);
    !places.is_empty() && places.iter().all(touched)
}

/// Where a field stands in a format, the best of its names first.
fn places(pieces: &[Piece<'_>], field: Field) -> Vec<usize> {
    let of = |name: &'static &'static str| {
        pieces.iter().enumerate().filter(|(_, piece)| piece.variable == Some(*name)).map(|(at, _)| at)
    };
    field.names().iter().flat_map(of).collect()
}

/// `/^…$/ | `, what follows `parse` and a field, with a name for each part that is wanted.
fn clause(parts: &[Part], captured: &BTreeSet<u16>) -> String {
    let mut out = String::from("/^");
    for part in parts {
        let wanted = captured.contains(&part.label);
        if wanted {
            // Writing to a String cannot fail.
            let _ = write!(out, "(?<v{}>", part.label / 2);
        }
        part.expr.write(&mut out);
        if wanted {
            out.push(')');
        }
    }
    out.push_str("$/ | ");
    out
}

/// Why a field that stands in a format is not told, or not by every line: what stands beside it, and what to do.
pub(super) fn reason(pieces: &[Piece<'_>], field: Field) -> Option<String> {
    let at = *places(pieces, field).first()?;
    let name = pieces[at].variable?;
    let Some((free, before)) = beside(pieces, at) else {
        return Some(format!("the access log's format does not say where $context.{name} ends: put a space after it"));
    };
    if shape(name).is_none() {
        return Some(format!(
            "the access log's format has two variables that may hold anything, $context.{name} and $context.{free}, and nothing tells \
             where they end: put each between quotation marks"
        ));
    }
    let quoted = line_quotes(pieces, free);
    let or_quote = if quoted { String::new() } else { format!(", or put $context.{free} between quotation marks") };
    let side = if before { "before" } else { "after" };
    Some(format!(
        "the access log's format puts $context.{free}, which may hold anything, {side} $context.{name}, so that it can be taken for it: \
         move $context.{name} to the front{or_quote}"
    ))
}

fn line_quotes(pieces: &[Piece<'_>], name: &str) -> bool {
    let line = Line::of(pieces, false);
    pieces.iter().position(|piece| piece.variable == Some(name)).is_some_and(|at| line.is_quoted(at))
}

/// The variable beside that may hold anything, and whether it stands before.
fn beside<'a>(pieces: &[Piece<'a>], at: usize) -> Option<(&'a str, bool)> {
    let free = |(_, piece): &(usize, &Piece<'a>)| piece.variable.is_some_and(|name| shape(name).is_none());
    let named = |(n, piece): (usize, &Piece<'a>)| Some((piece.variable?, n < at));
    let before = pieces.iter().enumerate().take(at).rev().find(free);
    let after = || pieces.iter().enumerate().skip(at + 1).find(free);
    before.or_else(after).and_then(named)
}
