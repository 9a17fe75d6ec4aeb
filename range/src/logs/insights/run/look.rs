//! What of its lines a query can tell apart, and how the fields of a kind's lines are made without making every line.

use super::super::{Aggregate, Command, Expr, Program};
use super::Runner;
use crate::logs::Kind;
use crate::logs::format::Dynamic;
use crate::logs::line::Line;

/// What of a kind's lines a query can tell apart, and whether its filters let all of them through or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Moment or id: every line by itself.
    pub(super) lines: bool,
    pub(super) address: bool,
    pub(super) took: bool,
    /// `None` where that differs from line to line.
    pub(super) passes: Option<bool>,
}

/// Fields of a kind's lines: those that are alike in all of them, and those that are a variable.
pub(super) struct Template {
    values: Vec<Option<String>>,
    variables: Vec<(usize, Dynamic)>,
}

/// The commands that a query begins with.
pub(super) struct Head {
    /// How many of them are `parse`: what they make of a line is the same for all lines of a kind, or one variable, as
    /// often as not.
    pub(super) parses: usize,
    /// Whether anything after them looks at the message itself.
    pub(super) reads_message: bool,
}

impl Head {
    pub(super) fn of(program: &Program, message: Option<usize>) -> Self {
        let parses = program.commands.iter().take_while(|command| matches!(command, Command::Parse { .. })).count();
        let reads_message = std::cell::Cell::new(false);
        let reads = |expr: &Expr| {
            expr.reads(&mut |column| reads_message.set(reads_message.get() || Some(column) == message));
        };
        for command in &program.commands[parses..] {
            match command {
                Command::Parse { of, .. } => reads(&Expr::Column(*of)),
                Command::Filter(condition) => reads(condition),
                Command::Fields(fields) => fields.iter().for_each(|(column, expr)| {
                    reads(expr.as_ref().unwrap_or(&Expr::Column(*column)));
                }),
                Command::Stats(stats) => {
                    stats.by.iter().chain(stats.aggregates.iter().filter_map(Aggregate::of)).for_each(reads);
                    return Self { parses, reads_message: reads_message.get() };
                }
                Command::Display(_) | Command::Sort(_) | Command::Limit(_) => reads_message.set(true),
            }
        }
        // Events are shown whole.
        Self { parses, reads_message: true }
    }
}

impl Template {
    pub(super) fn fill_in(&self, kind: &Kind, line: &Line) -> Vec<Option<String>> {
        let mut values = self.values.clone();
        for (at, dynamic) in &self.variables {
            let mut text = String::new();
            kind.fill_in(*dynamic, line, &mut text);
            values[*at] = Some(text);
        }
        values
    }
}

impl Runner<'_> {
    /// How the fields of a kind's lines are made without making the line; `None` where one of them is neither the same
    /// for all lines nor one variable and nothing else.
    pub(super) fn template(&self, kind: &Kind) -> Option<Template> {
        let [one, other, third] = Line::strangers();
        let is = |dynamic: Dynamic, line: &Line, value: Option<&String>| {
            let mut text = String::new();
            kind.fill_in(dynamic, line, &mut text);
            Some(&text) == value
        };
        let (values, others) = (self.parsed(kind, &one), self.parsed(kind, &other));
        let mut variables = Vec::new();
        for (at, (value, differs)) in values.iter().zip(&others).enumerate() {
            if value != differs {
                let fits =
                    |dynamic: &Dynamic| is(*dynamic, &one, value.as_ref()) && is(*dynamic, &other, differs.as_ref());
                variables.push((at, Dynamic::ALL.into_iter().find(fits)?));
            }
        }
        let made = Template { values, variables };
        (made.fill_in(kind, &third) == self.parsed(kind, &third)).then_some(made)
    }

    /// Every expression by which lines are told apart: conditions, and what the first `stats` looks at.
    fn telling(&self) -> impl Iterator<Item = &Expr> {
        let commands = self.program.commands.iter();
        let upto = commands.scan(false, |over, command| {
            let first = !std::mem::replace(over, *over || matches!(command, Command::Stats(_)));
            first.then_some(command)
        });
        upto.flat_map(|command| -> Vec<&Expr> {
            match command {
                Command::Filter(condition) => vec![condition],
                Command::Stats(stats) => {
                    stats.by.iter().chain(stats.aggregates.iter().filter_map(Aggregate::of)).collect()
                }
                _ => Vec::new(),
            }
        })
    }

    pub(super) fn look(&mut self, group: &str, kind: &Kind) -> Look {
        if let Some(known) = self.looks.get(&kind.serial()) {
            return *known;
        }
        let [one, other, _] = Line::strangers();
        let mut seen = |line: &Line| {
            let mut row = self.row(group, kind, line, 1);
            let passes = self.prepare(&mut row);
            let mut values = Vec::new();
            for expr in self.telling() {
                expr.reads(&mut |column| values.push(row.values.get(column).cloned()));
            }
            (values, passes)
        };
        let (base, passes) = seen(&one);
        let mut differs = |line: Line| seen(&line).0 != base;
        let id = differs(Line { id: other.id, ..one.clone() });
        let moment = differs(Line { millis: other.millis, ..one.clone() });
        let address = differs(Line { address: other.address, ..one.clone() });
        let took = differs(Line { took: other.took, ..one.clone() });
        let same = !(id || moment || address || took);
        let lines = id || moment || (address && took);
        let look = Look { lines, address, took, passes: (same && !self.filters_by_time()).then_some(passes) };
        self.looks.insert(kind.serial(), look);
        look
    }

    /// Whether a condition looks at rounded time.
    fn filters_by_time(&self) -> bool {
        let mut timed = false;
        for command in &self.program.commands {
            if let Command::Filter(condition) = command {
                condition.periods(&mut |_| timed = true);
            }
        }
        timed
    }

    /// Whole seconds that time may be rounded to; `None` where rounding to less is asked.
    pub(super) fn rounding(&self) -> Option<i64> {
        let mut common = 0;
        for expr in self.telling() {
            expr.periods(&mut |period| common = divisor(common, period));
        }
        (common % 1000 == 0).then_some(common / 1000)
    }
}

/// The greatest common divisor.
fn divisor(left: i64, right: i64) -> i64 {
    if right == 0 { left } else { divisor(right, left % right) }
}
