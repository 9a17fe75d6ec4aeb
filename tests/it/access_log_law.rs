//! A line of an access log is read right or not at all: random formats, and values that callers wrote to be taken for
//! others.
//!
//! Lines are rendered here from known values, and what may be unknown is decided here too, by trying every way to take
//! a line apart; nothing of it is the reader's. What the queries ask is run by the `regex` crate, which the reader does
//! not use.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};

use portcullis::model::access_log::{AccessLogFormat, Field};
use regex::bytes::{Regex, RegexBuilder};

use crate::draws::draws;

/// Draws that repeat.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// Variables whose values have a form (REST, HTTP or both), each with values it may have.
const FORMED: [(&str, &[&str]); 17] = [
    ("requestId", &["c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "JKJaXmPLvHcESHA=", "UUID_REPLACED_INVALID_REQUEST_ID"]),
    ("extendedRequestId", &["JKJaXmPLvHcESHA=", "a-b_c/d+e="]),
    ("requestTime", &["14/Apr/2026:18:32:59 +0000", "01/Jan/2026:00:00:00 -1130"]),
    ("requestTimeEpoch", &["1776191579123", "0"]),
    ("status", &["200", "429", "403", "504", "-"]),
    ("identity.sourceIp", &["203.0.113.7", "2001:db8::1", "::ffff:192.0.2.1", "198.51.100.200"]),
    ("httpMethod", &["GET", "POST", "M-SEARCH", "a|b"]),
    ("protocol", &["HTTP/1.1", "HTTP/2.0"]),
    ("resourcePath", &["/", "/pets/{id}", "/{proxy+}", "/a:b.c-d_e", "-"]),
    ("routeKey", &["GET /pets", "ANY /{proxy+}", "$default", "-"]),
    ("responseLength", &["0", "512", "1048576"]),
    ("responseLatency", &["12", "29000"]),
    ("integrationLatency", &["-", "7"]),
    ("error.responseType", &["-", "THROTTLED", "WAF_FILTERED", "DEFAULT_4XX"]),
    ("apiId", &["abcdef1234"]),
    ("stage", &["prod", "$default", "v-1"]),
    ("identity.caller", &["-", "AROAEXAMPLE:role-session@example.com"]),
];

/// Variables that may hold anything.
const FREE: [&str; 5] =
    ["path", "identity.userAgent", "error.message", "authorizer.claims.sub", "integrationErrorMessage"];

/// A format: text and variables in turn, text first and last.
struct Format {
    texts: Vec<String>,
    names: Vec<&'static str>,
    style: &'static str,
}

impl Format {
    fn draw(draw: &mut Draw) -> Self {
        let mut names: Vec<&'static str> = Vec::new();
        let wanted = 2 + draw.below(6);
        while names.len() < wanted {
            let name = if draw.one_in(4) { draw.pick(&FREE) } else { FORMED[draw.below(FORMED.len())].0 };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        // The status is what most figures rest on.
        if !names.contains(&"status") && !draw.one_in(4) {
            let at = draw.below(names.len());
            names[at] = "status";
        }
        let n = names.len();
        let style =
            draw.pick(&["words", "clf", "csv", "quoted csv", "json", "bare json", "xml", "pairs", "mixed", "odd"]);
        let between = |first: &str, middle: &dyn Fn(usize) -> String, last: &str| {
            let mut texts = vec![first.to_owned()];
            texts.extend((1..n).map(middle));
            texts.push(last.to_owned());
            texts
        };
        let all = |text: &'static str| between("", &|_| text.to_owned(), "");
        let texts = match style {
            "words" => all(draw.pick(&[" ", "\t", " | ", ";"])),
            "clf" => {
                let mut texts = all(" ");
                for at in 0..n {
                    let (open, close) = draw.pick(&[&("", ""), &("", ""), &("\"", "\""), &("[", "]")]);
                    texts[at].push_str(open);
                    texts[at + 1].insert_str(0, close);
                }
                texts
            }
            "csv" => all(","),
            "quoted csv" => between("\"", &|_| "\",\"".to_owned(), "\""),
            "json" => between("{\"k0\":\"", &|at| format!("\",\"k{at}\":\""), "\"}"),
            "bare json" => between("{ \"k0\": ", &|at| format!(", \"k{at}\": "), " }"),
            "xml" => between("<r a0=\"", &|at| format!("\" a{at}=\""), "\"/>"),
            "pairs" => between("k0=", &|at| format!(" k{at}="), ""),
            "mixed" => {
                let mut texts = vec![String::new(); n + 1];
                for text in &mut texts {
                    text.push_str(draw.pick(&[" ", ",", "\" \"", "|", "/", "[", "] ", "\",", ": ", "#", "\\", "é"]));
                }
                texts
            }
            _ => {
                let mut texts = vec![String::new(); n + 1];
                for text in &mut texts[1..n] {
                    text.push_str(draw.pick(&["", " ", "-", ".", ":", "~"]));
                }
                texts
            }
        };
        Self { texts, names, style }
    }

    fn written(&self) -> String {
        self.render(|at| format!("$context.{}", self.names[at]))
    }

    fn render(&self, value: impl Fn(usize) -> String) -> String {
        let mut line = self.texts[0].clone();
        for at in 0..self.names.len() {
            line.push_str(&value(at));
            line.push_str(&self.texts[at + 1]);
        }
        line
    }

    /// Values of a request's; what callers write imitates the rest of the line.
    fn values(&self, draw: &mut Draw, harmless: bool) -> Vec<String> {
        let escape = draw.one_in(2);
        let formed = |name: &str, draw: &mut Draw| {
            let known = FORMED.iter().find(|(formed, _)| *formed == name);
            known.map(|(_, values)| draw.pick(values).to_owned())
        };
        let mut values = Vec::new();
        for name in &self.names {
            let value = formed(name, draw).unwrap_or_else(|| {
                if harmless {
                    return draw.pick(&["curl", "-", "Mozilla", "kiosk7"]).to_owned();
                }
                let text = self.hostile(draw, &formed);
                if escape { text.replace('\\', "\\\\").replace('"', "\\\"") } else { text }
            });
            values.push(value);
        }
        values
    }

    fn hostile(&self, draw: &mut Draw, formed: &impl Fn(&str, &mut Draw) -> Option<String>) -> String {
        let mut text = String::new();
        if draw.one_in(2) {
            // A stretch of the format, with values that somebody would like to see there.
            let from = draw.below(self.names.len());
            let to = from + draw.below(self.names.len() - from + 1);
            if draw.one_in(2) {
                text.push_str(draw.pick(&["x", "\\", "-", ""]));
            }
            for at in from..=to.min(self.names.len() - 1) {
                text.push_str(&self.texts[at]);
                text.push_str(&formed(self.names[at], draw).unwrap_or_else(|| "z".to_owned()));
            }
            text.push_str(&self.texts[(to + 1).min(self.names.len())]);
        }
        let pieces = [
            "\"",
            "\\",
            " ",
            "\",\"",
            "429",
            "200",
            " 200 ",
            "|",
            ",",
            "[",
            "]",
            "{",
            "}",
            "-",
            "Mozilla/5.0 (X11)",
            "é",
            "/",
            "<",
            "=",
            ";",
            "\t",
            "203.0.113.9",
            "\"}",
            "'",
            "*",
            "#",
            "$context.status",
            "GET /pets",
        ];
        for _ in 0..draw.below(5) {
            text.push_str(draw.pick(&pieces));
        }
        text
    }

    /// Every place that a variable may have in a line, by trying every way to take it apart.
    fn possible(&self, line: &str, wanted: usize) -> BTreeSet<(usize, usize)> {
        let ends: Vec<usize> = line.char_indices().map(|(at, _)| at).chain([line.len()]).collect();
        // Where variable `at` may begin, from the front; and whether what follows position `from` fits from there on.
        let n = self.names.len();
        let mut begins: Vec<Vec<usize>> = vec![Vec::new(); n + 1];
        if line.starts_with(&self.texts[0]) {
            begins[0].push(self.texts[0].len());
        }
        let mut spans: Vec<Vec<(usize, usize, usize)>> = vec![Vec::new(); n];
        for at in 0..n {
            let text = &self.texts[at + 1];
            for begin in begins[at].clone() {
                for end in ends.iter().copied().filter(|end| *end >= begin) {
                    let next = end + text.len();
                    let last_fits = at + 1 < n || next == line.len();
                    if last_fits && line[end..].starts_with(text.as_str()) && may_be(self.names[at], &line[begin..end])
                    {
                        spans[at].push((begin, end, next));
                        if !begins[at + 1].contains(&next) {
                            begins[at + 1].push(next);
                        }
                    }
                }
            }
        }
        let mut good: Vec<usize> = vec![line.len()];
        let mut found = BTreeSet::new();
        for at in (0..n).rev() {
            let fits: Vec<_> = spans[at].iter().filter(|(_, _, next)| good.contains(next)).copied().collect();
            if at == wanted {
                found = fits.iter().map(|(begin, end, _)| (*begin, *end)).collect();
            }
            good = fits.iter().map(|(begin, ..)| *begin).collect();
        }
        found
    }
}

/// What a variable may hold, said once more and another way.
fn may_be(name: &str, value: &str) -> bool {
    let made_of = |extra: &str| value.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c));
    let digits = value.chars().all(|c| c.is_ascii_digit());
    let path = |text: &str| text.starts_with('/') && !text.contains([' ', '"', '\\', '\t', '\r', '\n']);
    let formed = match name {
        "requestId" | "extendedRequestId" => made_of("+/=_-"),
        "requestTime" => {
            let like = |c: char| {
                if c.is_ascii_digit() {
                    '0'
                } else if c.is_ascii_alphabetic() {
                    'a'
                } else {
                    c
                }
            };
            let seen: String = value.chars().map(like).collect();
            seen == "00/aaa/0000:00:00:00 +0000" || seen == "00/aaa/0000:00:00:00 -0000"
        }
        "status" => digits && value.len() == 3,
        "requestTimeEpoch" | "responseLength" | "responseLatency" | "integrationLatency" => digits,
        "identity.sourceIp" => value.chars().all(|c| c.is_ascii_hexdigit() || c == '.' || c == ':'),
        "httpMethod" => made_of("!#$%&'*+.^_`|~-"),
        "protocol" => made_of("./"),
        "resourcePath" => path(value),
        "routeKey" => match value.split_once(' ') {
            Some((verb, rest)) => !verb.is_empty() && verb.chars().all(|c| c.is_ascii_alphabetic()) && path(rest),
            None => value.len() > 1 && value.starts_with('$') && value.chars().skip(1).all(|c| c.is_ascii_alphabetic()),
        },
        "error.responseType" => made_of("_"),
        "apiId" => made_of(""),
        "stage" => made_of("_-$"),
        "identity.caller" => made_of("_+=,.@:/-"),
        _ => return true,
    };
    value == "-" || (formed && !value.is_empty())
}

/// What a query finds in a line: `parse` clauses, or fields of JSON.
pub(crate) struct Reader {
    /// Which field each takes apart, and how.
    clauses: Vec<(String, Regex)>,
    json: bool,
}

impl Reader {
    pub(crate) fn of(format: &AccessLogFormat) -> Self {
        // Over bytes: the tables of Unicode take most of the time otherwise.
        let clause = |text: &str| {
            let (of, pattern) = text.strip_prefix("parse ").and_then(|rest| rest.split_once(" /")).unwrap();
            (of.to_owned(), RegexBuilder::new(pattern).unicode(false).build().unwrap())
        };
        let clauses = format.prelude().split("/ | ").filter(|text| !text.is_empty()).map(clause).collect();
        Self { clauses, json: format.prelude().is_empty() }
    }

    pub(crate) fn read(&self, line: &str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        if self.json
            && let Ok(serde_json::Value::Object(members)) = serde_json::from_str(line)
        {
            let text = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            found.extend(members.into_iter().map(|(key, value)| (key, text(value))));
        }
        for (of, clause) in &self.clauses {
            let read = if of == "@message" { Some(line) } else { found.get(of).map(String::as_str) };
            let Some(captures) = read.and_then(|read| clause.captures(read.as_bytes())) else { continue };
            let text = |name: &str| Some(String::from_utf8_lossy(captures.name(name)?.as_bytes()).into_owned());
            let told = clause.capture_names().flatten().filter_map(|name| Some((name.to_owned(), text(name)?)));
            let told: Vec<_> = told.collect();
            found.extend(told);
        }
        found
    }
}

const FIELDS: [Field; 9] = [
    Field::RequestId,
    Field::Status,
    Field::ResponseType,
    Field::SourceIp,
    Field::Method,
    Field::Resource,
    Field::UserAgent,
    Field::ApiId,
    Field::Stage,
];

#[derive(Default)]
struct Counts {
    lines: u64,
    read: u64,
    unknown: u64,
    /// Unknown although the line has one reading only, and although all its readings give one value, each by kind.
    one_place: BTreeMap<String, u64>,
    one_value: BTreeMap<String, u64>,
    harmless: (u64, u64),
    figures: (u64, u64),
}

#[test]
fn whatever_callers_write_a_field_of_a_line_is_right_or_unknown() {
    const LINES: u64 = 8;
    let formats = draws(2_400) / LINES;
    let mut counts = Counts::default();
    for seed in 0..formats {
        let mut draw = Draw::of(seed);
        let drawn = Format::draw(&mut draw);
        let written = drawn.written();
        let format = AccessLogFormat::parse(&written);
        let reader = Reader::of(&format);
        let (mut throttled, mut told, mut unread) = (0.0, 0.0, 0.0);
        for n in 0..LINES {
            let harmless = n == 0;
            let values = drawn.values(&mut draw, harmless);
            let line = drawn.render(|at| values[at].clone());
            let found = reader.read(&line);
            let read = |field: Field| format.field(field).and_then(|name| found.get(name.trim_matches('`')));
            counts.lines += 1;
            for field in FIELDS {
                let place = field.names().iter().find_map(|name| drawn.names.iter().position(|have| have == name));
                let Some(first) = place else { continue };
                if let Some(value) = read(field) {
                    let right = field.names().iter().any(|name| {
                        drawn.names.iter().zip(&values).any(|(have, truth)| have == name && truth == value)
                    });
                    assert!(right, "seed {seed}: {field:?} reads {value:?} in {line:?} of {written:?}, {values:?}");
                    counts.read += 1;
                } else {
                    assert!(!format.tells_always(field), "seed {seed}: no {field:?} in {line:?} of {written:?}");
                    assert!(format.reason(field).is_some(), "seed {seed}: {field:?} of {written:?} has no reason");
                    counts.unknown += 1;
                    let places = drawn.possible(&line, first);
                    let values: BTreeSet<&str> = places.iter().map(|(from, to)| &line[*from..*to]).collect();
                    if values.len() == 1 {
                        let of = if places.len() == 1 { &mut counts.one_place } else { &mut counts.one_value };
                        let free = if FREE.contains(&drawn.names[first]) { "anything" } else { "a form" };
                        *of.entry(format!("{} with {free}", drawn.style)).or_default() += 1;
                    }
                }
                if harmless {
                    counts.harmless.0 += 1;
                    counts.harmless.1 += u64::from(read(field).is_none());
                    let separated = matches!(drawn.style, "json" | "quoted csv" | "xml");
                    let known = read(field).is_some() || drawn.possible(&line, first).len() > 1;
                    assert!(known || !separated, "seed {seed}: {field:?} of a plain line {line:?} of {written:?}");
                }
            }
            if let Some(at) = drawn.names.iter().position(|name| *name == "status") {
                throttled += f64::from(u8::from(values[at] == "429"));
                match read(Field::Status) {
                    Some(status) => told += f64::from(u8::from(status == "429")),
                    None => unread += 1.0,
                }
            }
        }
        // A figure is told where what was not read could change next to nothing of it.
        let known = unread <= told * 0.02;
        assert!(!known || (throttled - told).abs() <= told * 0.02, "seed {seed}: {told} of {throttled}");
        counts.figures.0 += 1;
        counts.figures.1 += u64::from(!known);
    }
    let share = |some: u64, all: u64| some as f64 * 100.0 / all.max(1) as f64;
    let fields = counts.read + counts.unknown;
    let sum = |of: &BTreeMap<String, u64>| of.values().sum::<u64>();
    println!(
        "{} lines of {formats} formats: {fields} fields, {:.1} % unknown ({:.2} % although the line has one reading, {:.2} % although all \
         its readings say the same), {:.1} % of those in plain lines; {:.1} % of {} figures unknown",
        counts.lines,
        share(counts.unknown, fields),
        share(sum(&counts.one_place), fields),
        share(sum(&counts.one_value), fields),
        share(counts.harmless.1, counts.harmless.0),
        share(counts.figures.1, counts.figures.0),
        counts.figures.0,
    );
    println!("one reading: {:?}\nseveral that say the same: {:?}", counts.one_place, counts.one_value);
    assert!(counts.lines == formats * LINES && counts.read > counts.unknown, "most of it is read");
    // What is left of these would take a pattern that is longer than a query may be.
    assert!(share(sum(&counts.one_place), fields) < 3.5, "unknown where the line tells it: {:?}", counts.one_place);
    assert!(share(counts.harmless.1, counts.harmless.0) < 5.0, "plain lines: {}", counts.harmless.1);
}
