//! Filter patterns: of metric filters and of `FilterLogEvents`.
//!
//! Terms, `{ $.status = 429 }` and `[ip, …, status = 4*]`, as documented (user guide, "Filter pattern syntax"). Regular
//! expressions between `%` are not here and are refused.

use serde_json::Value;

use super::json::{self, Step, select};

/// A pattern.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Pattern {
    /// The empty pattern: every event.
    All,
    /// Words: all of `all`, none of `none`, and one of `any` where there are such.
    Terms { all: Vec<String>, any: Vec<String>, none: Vec<String> },
    /// A condition on JSON.
    Json(Test<Vec<Step>>),
    /// Fields between spaces, with conditions by the index of the column.
    Columns(Columns),
}

/// `[ip, user, ..., status = 4*, bytes]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Columns {
    names: Vec<String>,
    /// Index of the column before which an ellipsis stands.
    gap: Option<usize>,
    tests: Vec<Test<usize>>,
}

/// A condition on what `S` selects.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test<S> {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Compare(S, Op, Operand),
    IsNull(S),
    Is(S, bool),
    Exists(S, bool),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// What is compared with: text in which `*` stands for anything, and the number that it is, if it is one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Operand {
    text: String,
    number: Option<f64>,
}

impl Operand {
    fn new(text: &str, quoted: bool) -> Self {
        Self { text: text.to_owned(), number: if quoted { None } else { text.parse().ok() } }
    }
}

impl Op {
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            // Numbers as they were written; equality is meant.
            #[allow(clippy::float_cmp)]
            Self::Equal => left == right,
            #[allow(clippy::float_cmp)]
            Self::Unequal => left != right,
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
        }
    }

    /// Compares text: as text with wildcards, or as a number where both are one. That a number in quotation marks
    /// inside JSON compares as a number is inferred.
    fn compares(self, left: &str, right: &Operand) -> bool {
        match (self, right.number, left.parse::<f64>().ok()) {
            (op, Some(right), Some(left)) => op.holds(left, right),
            (Self::Equal, _, _) => matches_wildcard(&right.text, left),
            (Self::Unequal, _, _) => !matches_wildcard(&right.text, left),
            _ => false,
        }
    }
}

/// `*` at the start, at the end or between stands for any text (documented).
fn matches_wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

impl<S> Test<S> {
    fn holds(&self, read: &impl Fn(&S) -> Option<Value>) -> bool {
        match self {
            Self::And(left, right) => left.holds(read) && right.holds(read),
            Self::Or(left, right) => left.holds(read) || right.holds(read),
            // An array or an object matches nothing, nor does what is not there (documented).
            Self::Compare(of, op, operand) => match read(of) {
                Some(leaf @ (Value::String(_) | Value::Number(_))) => op.compares(&json::text(&leaf), operand),
                _ => false,
            },
            Self::IsNull(of) => read(of).is_some_and(|value| value.is_null()),
            Self::Is(of, truth) => read(of).and_then(|value| value.as_bool()) == Some(*truth),
            Self::Exists(of, wanted) => read(of).is_some() == *wanted,
        }
    }

    fn selects(&self, put: &mut impl FnMut(&S)) {
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.selects(put);
                right.selects(put);
            }
            Self::Compare(of, _, _) | Self::IsNull(of) | Self::Is(of, _) | Self::Exists(of, _) => put(of),
        }
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::All);
        }
        if let Some(inner) = text.strip_prefix('{') {
            let inner = inner.strip_suffix('}').ok_or("a JSON pattern ends with }")?;
            let mut reader = Reader { rest: inner };
            let test = reader.or(&|selector| json::selector(selector).ok_or(format!("no selector: {selector}")))?;
            return reader.end(Self::Json(test));
        }
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or("a pattern of columns ends with ]")?;
            return columns(inner).map(Self::Columns);
        }
        terms(text)
    }

    /// Whether an event's message matches.
    pub(crate) fn matches(&self, message: &str) -> bool {
        match self {
            Self::All => true,
            Self::Terms { all, any, none } => {
                let has = |term: &String| message.contains(term.as_str());
                all.iter().all(has) && !none.iter().any(has) && (any.is_empty() || any.iter().any(has))
            }
            Self::Json(test) => serde_json::from_str::<Value>(message)
                .is_ok_and(|value| test.holds(&|selector| select(&value, selector).cloned())),
            Self::Columns(columns) => columns.split(message).is_some_and(|fields| {
                let read = |at: &usize| fields.get(*at).map(|field| Value::from(*field));
                columns.tests.iter().all(|test| test.holds(&read))
            }),
        }
    }

    /// What `$.field` or `$column` holds in a message that matches.
    pub(crate) fn extract(&self, message: &str, name: &str) -> Option<String> {
        match self {
            Self::Json(_) => {
                let value: Value = serde_json::from_str(message).ok()?;
                let leaf = select(&value, &json::selector(name)?)?;
                (leaf.is_string() || leaf.is_number()).then(|| json::text(leaf))
            }
            Self::Columns(columns) => {
                let at = columns.names.iter().position(|known| Some(known.as_str()) == name.strip_prefix('$'))?;
                columns.split(message)?.get(at).map(|field| (*field).to_owned())
            }
            Self::All | Self::Terms { .. } => None,
        }
    }

    /// What the match depends on in a message, as text: where it is the same for two messages, both match or neither
    /// does.
    pub(crate) fn looks_at(&self, message: &str) -> Vec<Option<String>> {
        let mut seen = Vec::new();
        match self {
            Self::All => {}
            Self::Terms { .. } => seen.push(Some(message.to_owned())),
            Self::Json(test) => {
                let value: Value = serde_json::from_str(message).unwrap_or(Value::Null);
                test.selects(&mut |selector| seen.push(select(&value, selector).map(Value::to_string)));
            }
            Self::Columns(columns) => {
                let fields = columns.split(message);
                let mut put =
                    |at: &usize| seen.push(fields.as_ref().and_then(|fields| Some((*fields.get(*at)?).to_owned())));
                columns.tests.iter().for_each(|test| test.selects(&mut put));
            }
        }
        seen
    }
}

impl Columns {
    /// The message's fields by column; `None` where there are more or fewer than columns.
    fn split<'m>(&self, message: &'m str) -> Option<Vec<&'m str>> {
        let fields = fields(message);
        let Some(gap) = self.gap else { return (fields.len() == self.names.len()).then_some(fields) };
        let after = self.names.len() - gap;
        let skipped = fields.len().checked_sub(self.names.len())?;
        Some(fields[..gap].iter().chain(&fields[gap + skipped..gap + skipped + after]).copied().collect())
    }
}

/// Fields between spaces; what stands between brackets or quotation marks is one (documented).
fn fields(message: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = message.trim_start();
    while let Some(first) = rest.chars().next() {
        let close = match first {
            '[' => Some(']'),
            '"' => Some('"'),
            _ => None,
        };
        let inside = close.and_then(|close| rest[1..].find(close).map(|end| (&rest[1..=end], &rest[end + 2..])));
        let (field, after) = inside.unwrap_or_else(|| rest.split_once(' ').unwrap_or((rest, "")));
        found.push(field);
        rest = after.trim_start();
    }
    found
}

fn terms(text: &str) -> Result<Pattern, String> {
    let (mut all, mut any, mut none) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = text;
    while !rest.is_empty() {
        let into = match rest.chars().next() {
            Some('?') => &mut any,
            Some('-') => &mut none,
            _ => &mut all,
        };
        rest = rest.strip_prefix(['?', '-']).unwrap_or(rest).trim_start();
        if let Some(quoted) = rest.strip_prefix('"') {
            let (term, after) = quoted.split_once('"').ok_or("a quotation mark is not closed")?;
            into.push(term.to_owned());
            rest = after.trim_start();
            continue;
        }
        let (term, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        // Other characters want quotation marks (documented).
        if term.is_empty() || !term.chars().all(|letter| letter.is_alphanumeric() || letter == '_') {
            return Err(format!("a term with other than letters, digits and _ stands in quotation marks: {term}"));
        }
        into.push(term.to_owned());
        rest = after.trim_start();
    }
    Ok(Pattern::Terms { all, any, none })
}

fn columns(inner: &str) -> Result<Columns, String> {
    let mut columns = Columns { names: Vec::new(), gap: None, tests: Vec::new() };
    for column in commas(inner) {
        let column = column.trim();
        if column == "..." || column == "\u{2026}" {
            if columns.gap.replace(columns.names.len()).is_some() {
                return Err("an ellipsis stands once".to_owned());
            }
            continue;
        }
        let end = column.find(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '-'));
        let name = &column[..end.unwrap_or(column.len())];
        let at = columns.names.len();
        columns.names.push(name.to_owned());
        if name.len() < column.len() {
            let mut reader = Reader { rest: column };
            let own = |selector: &str| {
                if selector == name { Ok(at) } else { Err(format!("{selector} is not the column's name")) }
            };
            let test = reader.or(&own)?;
            columns.tests.push(reader.end(test)?);
        }
    }
    Ok(columns)
}

/// Parts between commas that stand outside quotation marks.
fn commas(text: &str) -> Vec<&str> {
    let (mut quoted, mut from, mut parts) = (false, 0, Vec::new());
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

/// Reads conditions.
struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip();
        let Some(after) = self.rest.strip_prefix(token) else { return false };
        self.rest = after;
        true
    }

    fn end<T>(&mut self, read: T) -> Result<T, String> {
        self.skip();
        if self.rest.is_empty() { Ok(read) } else { Err(format!("unexpected: {}", self.rest)) }
    }

    fn or<S>(&mut self, select: &impl Fn(&str) -> Result<S, String>) -> Result<Test<S>, String> {
        let mut left = self.and(select)?;
        while self.take("||") {
            left = Test::Or(Box::new(left), Box::new(self.and(select)?));
        }
        Ok(left)
    }

    fn and<S>(&mut self, select: &impl Fn(&str) -> Result<S, String>) -> Result<Test<S>, String> {
        let mut left = self.one(select)?;
        while self.take("&&") {
            left = Test::And(Box::new(left), Box::new(self.one(select)?));
        }
        Ok(left)
    }

    fn one<S>(&mut self, select: &impl Fn(&str) -> Result<S, String>) -> Result<Test<S>, String> {
        if self.take("(") {
            let inner = self.or(select)?;
            return if self.take(")") { Ok(inner) } else { Err("a parenthesis is not closed".to_owned()) };
        }
        let of = select(self.until(|letter| letter.is_whitespace() || "=!<>()&|".contains(letter)))?;
        for (words, test) in [
            ("IS NULL", Test::IsNull as fn(S) -> Test<S>),
            ("IS TRUE", |of| Test::Is(of, true)),
            ("IS FALSE", |of| Test::Is(of, false)),
            ("NOT EXISTS", |of| Test::Exists(of, false)),
            ("EXISTS", |of| Test::Exists(of, true)),
        ] {
            if self.take(words) {
                return Ok(test(of));
            }
        }
        let ops = [
            ("!=", Op::Unequal),
            ("<=", Op::AtMost),
            (">=", Op::AtLeast),
            ("=", Op::Equal),
            ("<", Op::Less),
            (">", Op::More),
        ];
        let op = ops.into_iter().find(|(token, _)| self.take(token)).ok_or("a comparison is missing")?.1;
        let operand = self.operand()?;
        let ordering = !matches!(op, Op::Equal | Op::Unequal);
        if ordering && operand.number.is_none() {
            return Err(format!("{} is not a number", operand.text));
        }
        Ok(Test::Compare(of, op, operand))
    }

    fn until(&mut self, ends: impl Fn(char) -> bool) -> &'t str {
        self.skip();
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, after) = self.rest.split_at(end);
        self.rest = after;
        word
    }

    fn operand(&mut self) -> Result<Operand, String> {
        if self.take("\"") {
            let (text, after) = self.rest.split_once('"').ok_or("a quotation mark is not closed")?;
            self.rest = after;
            return Ok(Operand::new(text, true));
        }
        let word = self.until(|letter| letter.is_whitespace() || "()&|=!<>{}".contains(letter));
        // Whatever is not letters, digits and a few signs stands in quotation marks (documented).
        let plain = |letter: char| letter.is_alphanumeric() || "_-.*+:/".contains(letter);
        if word.is_empty() || !word.chars().all(plain) {
            return Err(format!("a value is missing or wants quotation marks: {word}"));
        }
        Ok(Operand::new(word, false))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const CLF: &str = r#"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;
    const JSON: &str = r#"{"user":{"id":1,"email":"John.Stiles@example.com"},"users":[{"email":"John.Doe@example.com"}],"actions":["GET","PUT"],
        "status":"429","latency":512.5,"none":null,"yes":true}"#;

    fn matches(pattern: &str, message: &str) -> bool {
        Pattern::read(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")).matches(message)
    }

    #[test]
    fn terms_as_the_guide_has_them() {
        for (pattern, message, expected) in [
            ("", "anything", true),
            ("ERROR", "[ERROR] A fatal exception", true),
            ("error", "[ERROR] A fatal exception", false),
            ("ERROR Exception", "[ERROR] Unhandled Exception", true),
            ("ERROR -Exiting", "Exiting with ERRORCODE: -1", false),
            ("?ERROR ?WARN", "WARN message", true),
            ("\"failed to\"", "it failed to start", true),
            ("\"to failed\"", "it failed to start", false),
        ] {
            assert_eq!(matches(pattern, message), expected, "{pattern} on {message}");
        }
        assert!(Pattern::read("4.2").is_err(), "wants quotation marks");
    }

    #[test]
    fn json_as_the_guide_has_it() {
        for (pattern, expected) in [
            (r"{ ($.user.id = 1) && ($.users[0].email = John.Doe*) }", true),
            (r#"{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }"#, false),
            (r"{ $.user.id = 1 || $.actions[0] = no && $.actions[1] = no }", true),
            (r"{ ($.user.id = 1 || $.actions[0] = no) && $.actions[1] = no }", false),
            (r"{ $.status = 429 }", true),
            (r#"{ $.status = "429" }"#, true),
            (r"{ $.status = 4* }", true),
            (r"{ $.status != 429 }", false),
            (r"{ $.latency >= 512.5 }", true),
            (r"{ $.latency > +1e3 }", false),
            (r"{ $.actions = GET }", false),
            (r"{ $.actions != GET }", false),
            (r"{ $.none IS NULL }", true),
            (r"{ $.other NOT EXISTS }", true),
            (r"{ $.yes IS TRUE }", true),
        ] {
            assert_eq!(matches(pattern, JSON), expected, "{pattern}");
        }
        assert!(!matches("{ $.status = 429 }", CLF));
        for wrong in ["{ $.status = }", "{ status = 4 }", "{ $.status = 4", "{ $.status > four }", "{ $.a = 1 } x"] {
            assert!(Pattern::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn columns_as_the_guide_has_them() {
        for (pattern, expected) in [
            ("[ip, user, username, timestamp, request, status_code, bytes]", true),
            ("[ip, user, username, timestamp, request, status_code]", false),
            ("[..., status_code, bytes]", true),
            ("[ip, user, ...]", true),
            ("[ip, user, username, timestamp, request = *html*, status_code = 4*, bytes]", true),
            ("[ip, user, username, timestamp, request, status_code = 4* && status_code != 404, bytes]", false),
            ("[..., status_code = 404, bytes > 1000]", true),
            ("[..., bytes > 2000]", false),
        ] {
            assert_eq!(matches(pattern, CLF), expected, "{pattern}");
        }
        let pattern = Pattern::read("[..., status_code, bytes]").unwrap();
        assert_eq!(pattern.extract(CLF, "$bytes").as_deref(), Some("1534"));
        assert!(Pattern::read("[a, ..., b, ..., c]").is_err());
    }
}
