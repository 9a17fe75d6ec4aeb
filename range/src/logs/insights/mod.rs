//! The query language of Logs Insights, as much of it as is needed to ask access logs who did what.
//!
//! `fields`, `display`, `parse`, `filter`, `stats`, `sort` and `limit` (documented: user guide, "Logs Insights language
//! query syntax"). Whatever else AWS takes is refused here as malformed: a query that works on the range works on AWS,
//! not the other way round.

mod lex;
mod read;
mod run;
mod table;

pub(crate) use read::read;
pub(crate) use run::{Asked, run};

use regex::Regex;

/// Rows that a query gives at most, and unless it says otherwise (10,000, documented).
pub(crate) const MOST_ROWS: usize = 10_000;

/// Where a query is wrong, and why; offsets in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) message: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A query, understood. Columns are indices into `columns`.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// Names of all columns that rows of events have.
    pub(super) columns: Vec<String>,
    /// How many of them are read from the event; the others are made by commands.
    pub(super) event: Vec<bool>,
    pub(super) commands: Vec<Command>,
}

/// One command.
#[derive(Debug, Clone)]
pub(super) enum Command {
    /// Columns to show, by name; and what new ones are made of.
    Fields(Vec<(usize, Option<Expr>)>),
    /// Shows these and no others.
    Display(Vec<usize>),
    Parse {
        of: usize,
        regex: Regex,
        names: Vec<usize>,
    },
    Filter(Expr),
    Stats(Stats),
    Sort(Vec<(usize, bool)>),
    Limit(usize),
}

/// What rows become by `stats`; from then on the columns are these.
#[derive(Debug, Clone)]
pub(super) struct Stats {
    pub(super) by: Vec<Expr>,
    pub(super) aggregates: Vec<Aggregate>,
    /// Names: those of `by`, then those of the aggregates.
    pub(super) names: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Aggregate {
    Count(Option<Expr>),
    Sum(Expr),
    Min(Expr),
    Max(Expr),
    Average(Expr),
    Percentile(Expr, f64),
    Distinct(Expr),
}

#[derive(Debug, Clone)]
pub(super) enum Expr {
    Column(usize),
    Text(String),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Vec<Expr>),
    Contains(Box<Expr>, String),
    Matches(Box<Expr>, Regex),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    IsPresent(usize),
    Coalesce(Vec<Expr>),
    /// The row's time, rounded down to so many milliseconds.
    Bin(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}
