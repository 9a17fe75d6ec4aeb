//! Running a query over what a log group holds.
//!
//! Lines are made only where the query can tell them apart: a query that counts by status looks at one line of each
//! kind, one that counts by address draws addresses, and only one that shows events makes every line.

mod look;

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use self::look::{Head, Look, Template};
use super::table::{Groups, Row, moment, sort};
use super::{Command, MOST_ROWS, Program, Stats};
use crate::logs::json::discover;
use crate::logs::line::{Line, Took};
use crate::logs::{Kind, LogStore, Record, Results, Second};

/// Over what a query runs.
pub(crate) struct Asked<'a> {
    pub(crate) store: &'a LogStore,
    /// Names of log groups.
    pub(crate) groups: &'a [String],
    /// First and last second, both inclusive (documented; that all of the last second is meant is inferred).
    pub(crate) seconds: (i64, i64),
    pub(crate) now: DateTime<Utc>,
    /// The account's id.
    pub(crate) account: &'a str,
    /// Rows at most.
    pub(crate) limit: Option<usize>,
}

/// A class of lines that a query cannot tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Alike {
    kind: u64,
    second: i64,
    address: usize,
    took: Option<Took>,
}

struct Runner<'a> {
    program: &'a Program,
    asked: &'a Asked<'a>,
    /// Columns of the event by name.
    event: HashMap<&'a str, usize>,
    /// Whether any of them is a discovered field.
    discovers: bool,
    head: Head,
    looks: HashMap<u64, Look>,
    templates: HashMap<u64, Option<Template>>,
    results: Results,
}

/// Runs a query.
pub(crate) fn run(program: &Program, asked: &Asked<'_>) -> Results {
    let columns = program.columns.iter().zip(&program.event).enumerate();
    let event: HashMap<&str, usize> =
        columns.filter(|(_, (_, is_event))| **is_event).map(|(at, (name, _))| (name.as_str(), at)).collect();
    let discovers = event.keys().any(|name| !name.starts_with('@'));
    let head = Head::of(program, event.get("@message").copied());
    let mut runner = Runner {
        program,
        asked,
        event,
        head,
        discovers,
        looks: HashMap::new(),
        templates: HashMap::new(),
        results: Results::default(),
    };
    let first = program.commands.iter().position(|command| matches!(command, Command::Stats(_)));
    match first.map(|at| (at, &program.commands[at])) {
        Some((at, Command::Stats(stats))) => {
            let rows = runner.grouped(stats);
            runner.after(rows, stats, &program.commands[at + 1..]);
        }
        _ => runner.events(),
    }
    runner.results
}

/// What `parse` makes of a row.
fn parse(command: &Command, values: &mut [Option<String>]) {
    let Command::Parse { of, regex, names } = command else { return };
    let text = values[*of].clone().unwrap_or_default();
    let found = regex.captures(&text);
    for (group, name) in names.iter().enumerate() {
        let group = found.as_ref().and_then(|found| found.get(group + 1));
        values[*name] = group.map(|group| group.as_str().to_owned());
    }
}

impl<'a> Runner<'a> {
    /// Seconds with the group that they are of, in order of time.
    fn seconds(&self) -> Vec<(&'a str, &'a Second)> {
        let (from, to) = self.asked.seconds;
        let mut all: Vec<(&str, &Second)> = Vec::new();
        for group in self.asked.groups {
            let readable = self.asked.store.readable(group, from..=to, self.asked.now);
            all.extend(readable.map(|second| (group.as_str(), second)));
        }
        all.sort_by_key(|(_, second)| second.at);
        all
    }

    fn scan(&mut self, record: &Record) {
        let count = u64::from(record.count);
        self.results.scanned += count;
        self.results.bytes += count * record.kind.line_bytes();
    }

    fn row(&mut self, group: &str, kind: &Kind, line: &Line, weight: u64) -> Row {
        if !self.templates.contains_key(&kind.serial()) {
            let made = self.template(kind);
            self.templates.insert(kind.serial(), made);
        }
        let (mut values, parsed) = match self.templates.get(&kind.serial()) {
            Some(Some(template)) => (template.fill_in(kind, line), true),
            _ => (self.discovered(kind, line), false),
        };
        let mut put = |name: &str, value: &dyn Fn() -> String| {
            if let Some(at) = self.event.get(name) {
                values[*at] = Some(value());
            }
        };
        let delay = i64::from(self.asked.store.delay_seconds) * 1000;
        put("@timestamp", &|| moment(line.millis));
        put("@ingestionTime", &|| moment(line.millis + delay));
        put("@logStream", &|| kind.stream().to_owned());
        put("@log", &|| format!("{}:{group}", self.asked.account));
        put("@ptr", &|| pointer(line.id));
        Row { weight, millis: line.millis, values, parsed, pointer: Some(line.id) }
    }

    /// The message of a line and the fields in it, as far as the query asks for them.
    fn discovered(&self, kind: &Kind, line: &Line) -> Vec<Option<String>> {
        let mut values = vec![None; self.program.columns.len()];
        if !self.discovers && !self.event.contains_key("@message") {
            return values;
        }
        let message = kind.render(line);
        if self.discovers {
            discover(&message, |name, value| {
                if let Some(at) = self.event.get(name) {
                    values[*at] = Some(value);
                }
            });
        }
        if let Some(at) = self.event.get("@message") {
            values[*at] = Some(message);
        }
        values
    }

    /// The fields of a line and what the query's first commands make of them.
    fn parsed(&self, kind: &Kind, line: &Line) -> Vec<Option<String>> {
        let mut values = self.discovered(kind, line);
        for command in &self.program.commands[..self.head.parses] {
            parse(command, &mut values);
        }
        if let Some(message) = self.event.get("@message").filter(|_| !self.head.reads_message) {
            values[*message] = None;
        }
        values
    }

    /// Lets the commands before `stats` make their columns; says whether the filters let the row through.
    fn prepare(&self, row: &mut Row) -> bool {
        let mut passes = true;
        let done = if row.parsed { self.head.parses } else { 0 };
        for command in &self.program.commands[done..] {
            match command {
                Command::Fields(fields) => {
                    for (column, expr) in fields {
                        if let Some(expr) = expr {
                            row.values[*column] = expr.value(row);
                        }
                    }
                }
                Command::Parse { .. } => parse(command, &mut row.values),
                Command::Filter(condition) => passes &= condition.holds(row),
                Command::Stats(_) => break,
                Command::Display(_) | Command::Sort(_) | Command::Limit(_) => {}
            }
        }
        passes
    }

    fn grouped(&mut self, stats: &Stats) -> Vec<Row> {
        let rounding = self.rounding();
        let mut alike: HashMap<Alike, (u64, &'a str, &'a Kind)> = HashMap::new();
        let mut groups = Groups::new(stats);
        for (group, second) in self.seconds() {
            let at = match rounding {
                Some(0) => 0,
                Some(period) => second.at.div_euclid(period) * period,
                None => second.at,
            };
            for record in &second.records {
                self.scan(record);
                let look = self.look(group, &record.kind);
                if look.passes == Some(false) {
                    continue;
                }
                let key = Alike { kind: record.kind.serial(), second: at, address: usize::MAX, took: None };
                let mut put = |key: Alike, weight: u64| {
                    alike.entry(key).or_insert((0, group, &record.kind)).0 += weight;
                };
                let seed = self.asked.store.seed();
                if look.lines || rounding.is_none() {
                    for line in second.lines(record, seed) {
                        self.add(&mut groups, group, &record.kind, &line, 1);
                    }
                } else if look.address {
                    record.addresses(second.at, seed).for_each(|address| put(Alike { address, ..key }, 1));
                } else if look.took {
                    for (took, count) in second.latencies(record, seed) {
                        put(Alike { took: Some(took), ..key }, count);
                    }
                } else {
                    put(key, u64::from(record.count));
                }
            }
        }
        let mut alike: Vec<_> = alike.into_iter().collect();
        alike.sort_unstable_by_key(|(key, _)| *key);
        for (key, (weight, group, kind)) in alike {
            let [mut line, ..] = Line::strangers();
            line.millis = key.second * 1000;
            line.address = kind.roster().address(key.address).unwrap_or(line.address);
            line.took = key.took.unwrap_or(line.took);
            self.add(&mut groups, group, kind, &line, weight);
        }
        groups.rows()
    }

    fn add(&mut self, groups: &mut Groups<'_>, group: &str, kind: &Kind, line: &Line, weight: u64) {
        let mut row = self.row(group, kind, line, weight);
        if self.prepare(&mut row) {
            self.results.matched += weight;
            groups.add(&row);
        }
    }

    /// What comes after the first `stats`.
    fn after(&mut self, mut rows: Vec<Row>, stats: &Stats, commands: &[Command]) {
        let mut names = stats.names.clone();
        let mut shown: Option<Vec<usize>> = None;
        for command in commands {
            match command {
                Command::Filter(condition) => rows.retain(|row| condition.holds(row)),
                Command::Stats(stats) => {
                    let mut groups = Groups::new(stats);
                    for row in &rows {
                        groups.add(row);
                    }
                    (rows, names, shown) = (groups.rows(), stats.names.clone(), None);
                }
                Command::Sort(keys) => sort(&mut rows, keys),
                Command::Limit(most) => rows.truncate(*most),
                Command::Display(columns) => shown = Some(columns.clone()),
                Command::Fields(_) | Command::Parse { .. } => {}
            }
        }
        rows.truncate(self.asked.limit.unwrap_or(MOST_ROWS));
        let shown = shown.unwrap_or_else(|| (0..names.len()).collect());
        self.results.rows = rows.iter().map(|row| cells(row, &names, &shown)).collect();
    }

    /// A query without `stats`: its rows are events, newest first unless sorted otherwise.
    fn events(&mut self) {
        let commands = &self.program.commands;
        let limit =
            commands.iter().filter_map(|command| if let Command::Limit(most) = command { Some(*most) } else { None });
        let limit = limit.chain(self.asked.limit).min().unwrap_or(MOST_ROWS);
        let first_sort = commands
            .iter()
            .find_map(|command| if let Command::Sort(keys) = command { Some(keys.as_slice()) } else { None });
        let time = self.event.get("@timestamp").copied();
        let ascending = matches!(first_sort, Some([(column, false), ..]) if Some(*column) == time);
        let by_time = first_sort.is_none() || matches!(first_sort, Some([(column, _)]) if Some(*column) == time);
        let mut seconds = self.seconds();
        if !ascending {
            seconds.reverse();
        }
        let mut rows: Vec<Row> = Vec::new();
        for (group, second) in seconds {
            let full = by_time && rows.len() >= limit;
            let before = rows.len();
            for record in &second.records {
                self.scan(record);
                match self.look(group, &record.kind).passes {
                    Some(false) => {}
                    Some(true) if full => self.results.matched += u64::from(record.count),
                    _ => self.gather(group, second, record, &mut rows),
                }
            }
            if full {
                rows.truncate(before);
            } else {
                rows[before..].sort_by_key(|row| if ascending { row.millis } else { -row.millis });
            }
        }
        for command in commands {
            if let Command::Sort(keys) = command {
                sort(&mut rows, keys);
            }
        }
        rows.truncate(limit);
        self.show(&rows);
    }

    fn gather(&mut self, group: &str, second: &Second, record: &Record, rows: &mut Vec<Row>) {
        for line in second.lines(record, self.asked.store.seed()) {
            let mut row = self.row(group, &record.kind, &line, 1);
            if self.prepare(&mut row) {
                self.results.matched += 1;
                rows.push(row);
            }
        }
    }

    /// Columns of `display`, or of every `fields`, or else time and message; and the pointer to the event (documented).
    fn show(&mut self, rows: &[Row]) {
        let commands = &self.program.commands;
        let display = commands
            .iter()
            .rev()
            .find_map(|command| if let Command::Display(columns) = command { Some(columns.clone()) } else { None });
        let fields = commands
            .iter()
            .filter_map(|command| if let Command::Fields(fields) = command { Some(fields) } else { None });
        let fields: Vec<usize> = fields.flatten().map(|(column, _)| *column).collect();
        let plain = display.is_none() && fields.is_empty();
        let shown = display.unwrap_or(fields);
        for row in rows {
            let mut cells = cells(row, &self.program.columns, &shown);
            if plain {
                cells.push(("@timestamp".to_owned(), moment(row.millis)));
                let message = self.event.get("@message").and_then(|at| row.values[*at].clone());
                cells.extend(message.map(|message| ("@message".to_owned(), message)));
            }
            cells.extend(row.pointer.map(|id| ("@ptr".to_owned(), pointer(id))));
            self.results.rows.push(cells);
        }
    }
}

/// Names and values of a row; what it does not have is left out (documented by example).
fn cells(row: &Row, names: &[String], shown: &[usize]) -> Vec<(String, String)> {
    let cell = |column: &usize| Some((names.get(*column)?.clone(), row.values.get(*column)?.clone()?));
    shown.iter().filter_map(cell).collect()
}

/// The form is the range's own.
fn pointer(id: u64) -> String {
    format!("Cn{id:016x}AA")
}
