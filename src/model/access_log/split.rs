//! How a line is taken apart: patterns for `parse`, and which fields each of them tells.
//!
//! A pattern tells a field where no line that it matches can have another value there (`automaton`). The widest comes first: every line of
//! the format matches it, and what it tells is told of every request. Fields beside text that may be anything are told by a narrower one, which
//! matches only lines whose free text holds nothing that could end it: a line in which somebody wrote such a thing is not read, and
//! counts as not read. No pattern rests on API Gateway escaping anything: that it does is reported by users and not documented.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::automaton::{Automaton, Part, disputed};
use super::expr::{Expr, Set};
use super::shape::shape;
use super::{Field, Piece};

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

    /// The patterns to try, widest first.
    fn patterns(&self) -> Vec<Vec<Part>> {
        let mut patterns = vec![self.ends()];
        if self.shapes.iter().all(Option::is_some) {
            return patterns;
        }
        patterns.push(self.parts(|at| if self.is_quoted(at) { Expr::Quoted } else { self.bounded(at) }));
        patterns.push(self.parts(|at| self.bounded(at)));
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
    let Some(truth) = Automaton::of(&line.parts(|_| Expr::Any(Set::all()))) else { return Split::default() };
    let mut open: BTreeMap<Field, Vec<usize>> = Field::ALL.into_iter().map(|f| (f, places(pieces, f))).collect();
    open.retain(|_, places| !places.is_empty());
    let mut split = Split::default();
    for (n, parts) in line.patterns().iter().enumerate() {
        if open.is_empty() {
            break;
        }
        let wrong = Automaton::of(parts).and_then(|pattern| disputed(&pattern, &truth));
        let Some(wrong) = wrong else { continue };
        let held: BTreeSet<u16> = parts.iter().map(|part| part.label).collect();
        let tells = |at: &usize| held.contains(&label(*at)) && !wrong.contains(&label(*at));
        let mut captured = BTreeSet::new();
        open.retain(|field, places| {
            let Some(at) = places.iter().find(|at| tells(at)) else { return true };
            captured.insert(label(*at));
            split.fields.insert(*field, Told { name: format!("v{at}"), always: n == 0 });
            false
        });
        if !captured.is_empty() {
            split.prelude.push_str(&clause(parts, &captured));
        }
    }
    split
}

/// Where a field stands in a format, the best of its names first.
fn places(pieces: &[Piece<'_>], field: Field) -> Vec<usize> {
    let of = |name: &'static &'static str| {
        pieces.iter().enumerate().filter(|(_, piece)| piece.variable == Some(*name)).map(|(at, _)| at)
    };
    field.names().iter().flat_map(of).collect()
}

/// `parse @message /^…$/ | `, with a name for each part that is wanted.
fn clause(parts: &[Part], captured: &BTreeSet<u16>) -> String {
    let mut out = String::from("parse @message /^");
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
