//! Reading a query.

use regex::Regex;

use super::lex::{Placed, Token, lex};
use super::{Aggregate, Command, Comparison, Expr, MOST_ROWS, Malformed, Program, Stats};

type Read<T> = Result<T, Malformed>;

/// Reads a query.
///
/// # Errors
/// Where it is wrong.
pub(crate) fn read(query: &str) -> Read<Program> {
    let mut reader = Reader {
        query: query.chars().collect(),
        tokens: lex(query)?,
        at: 0,
        columns: Vec::new(),
        event: Vec::new(),
        before_stats: None,
        ordered: false,
    };
    let mut commands = Vec::new();
    while reader.at < reader.tokens.len() {
        commands.push(reader.command()?);
        if reader.at < reader.tokens.len() && !reader.sign("|") {
            return Err(reader.unexpected());
        }
    }
    if commands.is_empty() {
        return Err(reader.wrong("a query has a command"));
    }
    let Reader { columns, event, before_stats, .. } = reader;
    Ok(Program { columns: before_stats.unwrap_or(columns), event, commands })
}

struct Reader {
    query: Vec<char>,
    tokens: Vec<Placed>,
    at: usize,
    /// Names of the columns; after `stats` those that it left.
    columns: Vec<String>,
    event: Vec<bool>,
    /// The columns that rows had before the first `stats`, once there was one.
    before_stats: Option<Vec<String>>,
    /// After `sort` or `limit`.
    ordered: bool,
}

impl Reader {
    fn wrong(&self, message: impl Into<String>) -> Malformed {
        let here = self.tokens.get(self.at).or(self.tokens.last());
        let (start, end) = here.map_or((0, 0), |here| (here.start, here.end));
        Malformed { message: message.into(), start, end }
    }

    fn unexpected(&self) -> Malformed {
        let Some(here) = self.tokens.get(self.at) else { return self.wrong("unexpected end of the query") };
        let text: String = self.query[here.start..here.end].iter().collect();
        self.wrong(format!("unexpected symbol found {text} at position {}", here.start))
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|placed| &placed.token)
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(known)) if *known == sign);
        self.at += usize::from(found);
        found
    }

    fn must(&mut self, sign: &str) -> Read<()> {
        if self.sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(known)) if known.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    /// A name of a column or of a new one.
    fn name(&mut self) -> Read<String> {
        match self.peek() {
            Some(Token::Word(name) | Token::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// The column of a name; a name that no command has made is a field of the event.
    fn column(&mut self, name: &str) -> usize {
        let known = self.columns.iter().rposition(|known| known == name);
        known.unwrap_or_else(|| self.add(name, true))
    }

    fn grouped(&self) -> bool {
        self.before_stats.is_some()
    }

    fn add(&mut self, name: &str, event: bool) -> usize {
        self.columns.push(name.to_owned());
        if !self.grouped() {
            self.event.push(event);
        }
        self.columns.len() - 1
    }

    fn command(&mut self) -> Read<Command> {
        let Some(Token::Word(word)) = self.peek().cloned() else { return Err(self.unexpected()) };
        let known = ["fields", "display", "parse", "filter", "stats", "sort", "limit"];
        if !known.contains(&word.as_str()) {
            return Err(self.unexpected());
        }
        self.at += 1;
        match word.as_str() {
            "fields" => self.fields(),
            "display" => {
                let names = self.list(Self::name)?;
                Ok(Command::Display(names.iter().map(|name| self.column(name)).collect()))
            }
            "parse" if self.grouped() => Err(self.wrong("parse comes before stats")),
            "parse" => self.parse(),
            "filter" => Ok(Command::Filter(self.or()?)),
            "stats" if self.ordered => Err(self.wrong("sort and limit come after stats")),
            "stats" => self.stats(),
            "sort" => {
                self.ordered = true;
                self.list(Self::key).map(Command::Sort)
            }
            _ => {
                self.ordered = true;
                self.limit()
            }
        }
    }

    fn list<T>(&mut self, one: impl Fn(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let mut items = vec![one(self)?];
        while self.sign(",") {
            items.push(one(self)?);
        }
        Ok(items)
    }

    fn fields(&mut self) -> Read<Command> {
        if self.grouped() {
            return Err(self.wrong("fields comes before stats"));
        }
        self.list(|reader| {
            let start = reader.at;
            let expr = reader.value()?;
            let text = reader.text_since(start);
            let alias = if reader.word("as") { Some(reader.name()?) } else { None };
            Ok(match (expr, alias) {
                (Expr::Column(column), None) => (column, None),
                (expr, alias) => (reader.add(&alias.unwrap_or(text), false), Some(expr)),
            })
        })
        .map(Command::Fields)
    }

    /// The query's text from a token on.
    fn text_since(&self, start: usize) -> String {
        let (Some(first), Some(last)) = (self.tokens.get(start), self.tokens.get(self.at.saturating_sub(1))) else {
            return String::new();
        };
        self.query[first.start..last.end].iter().collect()
    }

    fn key(&mut self) -> Read<(usize, bool)> {
        let start = self.at;
        let expr = self.value()?;
        let column = match expr {
            Expr::Column(column) => column,
            // `sort bin(1m)` means the column of that name.
            Expr::Bin(_) if self.grouped() => self.column(&self.text_since(start)),
            _ => return Err(self.wrong("sort takes names of fields")),
        };
        let descending = self.word("desc");
        if !descending {
            self.word("asc");
        }
        Ok((column, descending))
    }

    fn limit(&mut self) -> Read<Command> {
        let Some(Token::Number(number)) = self.peek().cloned() else { return Err(self.unexpected()) };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked on the next line
        let rows = number as usize;
        if number.fract() != 0.0 || !(1..=MOST_ROWS).contains(&rows) {
            return Err(self.wrong(format!("limit must be between 1 and {MOST_ROWS}")));
        }
        self.at += 1;
        Ok(Command::Limit(rows))
    }

    fn parse(&mut self) -> Read<Command> {
        let name = self.name()?;
        let of = self.column(&name);
        match self.peek().cloned() {
            Some(Token::Text(glob)) => {
                self.at += 1;
                if !self.word("as") {
                    return Err(self.unexpected());
                }
                let names = self.list(Self::name)?;
                if glob.matches('*').count() != names.len() {
                    return Err(self.wrong("parse has as many names as its pattern has asterisks"));
                }
                let regex = Regex::new(&from_glob(&glob)).map_err(|error| self.wrong(error.to_string()))?;
                let names = names.iter().map(|name| self.add(name, false)).collect();
                Ok(Command::Parse { of, regex, names })
            }
            Some(Token::Regex(pattern)) => {
                let regex = Regex::new(&pattern).map_err(|error| self.wrong(error.to_string()))?;
                let groups: Option<Vec<String>> =
                    regex.capture_names().skip(1).map(|name| name.map(str::to_owned)).collect();
                let groups = groups.filter(|groups| !groups.is_empty());
                let groups = groups.ok_or_else(|| self.wrong("every group of parse has a name: (?<name>…)"))?;
                self.at += 1;
                Ok(Command::Parse { of, regex, names: groups.iter().map(|name| self.add(name, false)).collect() })
            }
            _ => Err(self.unexpected()),
        }
    }

    fn or(&mut self) -> Read<Expr> {
        let mut left = self.and()?;
        while self.word("or") {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Read<Expr> {
        let mut left = self.not()?;
        while self.word("and") {
            left = Expr::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Read<Expr> {
        if self.word("not") {
            return Ok(Expr::Not(Box::new(self.not()?)));
        }
        if self.sign("(") {
            let inner = self.or()?;
            self.must(")")?;
            return Ok(inner);
        }
        if self.word("ispresent") {
            self.must("(")?;
            let name = self.name()?;
            let column = self.column(&name);
            self.must(")")?;
            return Ok(Expr::IsPresent(column));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Read<Expr> {
        let left = Box::new(self.value()?);
        let negated = self.word("not");
        let read = if self.word("in") {
            self.must("[")?;
            let items = self.list(Self::value)?;
            self.must("]")?;
            Expr::In(left, items)
        } else if self.word("like") || self.sign("=~") {
            match self.peek().cloned() {
                Some(Token::Text(text)) => {
                    self.at += 1;
                    Expr::Contains(left, text)
                }
                Some(Token::Regex(pattern)) => {
                    let regex = Regex::new(&pattern).map_err(|error| self.wrong(error.to_string()))?;
                    self.at += 1;
                    Expr::Matches(left, regex)
                }
                _ => return Err(self.unexpected()),
            }
        } else {
            let signs = [
                ("!=", Comparison::Unequal),
                ("<=", Comparison::AtMost),
                (">=", Comparison::AtLeast),
                ("=", Comparison::Equal),
                ("<", Comparison::Less),
                (">", Comparison::More),
            ];
            let found = signs.into_iter().find(|(sign, _)| self.sign(sign)).filter(|_| !negated);
            let comparison = found.ok_or_else(|| self.unexpected())?.1;
            Expr::Compare(comparison, left, Box::new(self.value()?))
        };
        Ok(if negated { Expr::Not(Box::new(read)) } else { read })
    }

    /// A column, a constant or one of the few functions.
    fn value(&mut self) -> Read<Expr> {
        let Some(token) = self.peek().cloned() else { return Err(self.unexpected()) };
        let calls = matches!(self.tokens.get(self.at + 1).map(|placed| &placed.token), Some(Token::Sign("(")));
        match token {
            Token::Word(word) if calls => {
                let function = word.to_ascii_lowercase();
                if function != "bin" && function != "coalesce" {
                    return Err(self.unexpected());
                }
                self.at += 2;
                let read =
                    if function == "bin" { Expr::Bin(self.period()?) } else { Expr::Coalesce(self.list(Self::value)?) };
                self.must(")")?;
                Ok(read)
            }
            Token::Word(name) | Token::Name(name) => {
                self.at += 1;
                Ok(Expr::Column(self.column(&name)))
            }
            Token::Text(text) => {
                self.at += 1;
                Ok(Expr::Text(text))
            }
            Token::Number(number) => {
                self.at += 1;
                Ok(Expr::Text(number.to_string()))
            }
            Token::Regex(_) | Token::Sign(_) => Err(self.unexpected()),
        }
    }

    /// `30s`, `5m`, `1h`, … in milliseconds.
    fn period(&mut self) -> Read<i64> {
        let Some(Token::Word(word)) = self.peek().cloned() else { return Err(self.unexpected()) };
        let digits = word.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(word.len());
        let unit = match &word[digits..] {
            "ms" => 1,
            "s" | "sec" | "second" | "seconds" => 1_000,
            "m" | "min" | "minute" | "minutes" => 60_000,
            "h" | "hr" | "hour" | "hours" => 3_600_000,
            "d" | "day" | "days" => 86_400_000,
            _ => return Err(self.unexpected()),
        };
        let number = word[..digits].parse::<i64>().ok().and_then(|number| number.checked_mul(unit));
        let period = number.filter(|period| *period > 0).ok_or_else(|| self.unexpected())?;
        self.at += 1;
        Ok(period)
    }

    fn stats(&mut self) -> Read<Command> {
        let aggregates = self.list(|reader| {
            let start = reader.at;
            let read = reader.aggregate()?;
            let text = reader.text_since(start);
            let name = if reader.word("as") { reader.name()? } else { text };
            Ok((name, read))
        })?;
        let mut by = Vec::new();
        if self.word("by") {
            by = self.list(|reader| {
                let start = reader.at;
                let expr = reader.value()?;
                let text = match reader.tokens.get(start).map(|placed| &placed.token) {
                    Some(Token::Name(name)) => name.clone(),
                    _ => reader.text_since(start),
                };
                let name = if reader.word("as") { reader.name()? } else { text };
                Ok((name, expr))
            })?;
        }
        let names: Vec<String> =
            by.iter().map(|(name, _)| name).chain(aggregates.iter().map(|(name, _)| name)).cloned().collect();
        // Columns of the events are gone from here on.
        let before = std::mem::replace(&mut self.columns, names.clone());
        self.before_stats.get_or_insert(before);
        Ok(Command::Stats(Stats {
            by: by.into_iter().map(|(_, expr)| expr).collect(),
            aggregates: aggregates.into_iter().map(|(_, aggregate)| aggregate).collect(),
            names,
        }))
    }

    fn aggregate(&mut self) -> Read<Aggregate> {
        let start = self.at;
        let function = self.name()?.to_ascii_lowercase();
        self.must("(")?;
        let read = match function.as_str() {
            "count" if self.sign("*") => Aggregate::Count(None),
            "count" if matches!(self.peek(), Some(Token::Sign(")"))) => Aggregate::Count(None),
            "count" => Aggregate::Count(Some(self.value()?)),
            "count_distinct" => Aggregate::Distinct(self.value()?),
            "sum" => Aggregate::Sum(self.value()?),
            "min" => Aggregate::Min(self.value()?),
            "max" => Aggregate::Max(self.value()?),
            "avg" => Aggregate::Average(self.value()?),
            "pct" => {
                let of = self.value()?;
                self.must(",")?;
                let Some(Token::Number(percent)) = self.peek().cloned() else { return Err(self.unexpected()) };
                if !(0.0..=100.0).contains(&percent) {
                    return Err(self.wrong("a percentile is between 0 and 100"));
                }
                self.at += 1;
                Aggregate::Percentile(of, percent)
            }
            _ => {
                self.at = start;
                return Err(self.unexpected());
            }
        };
        self.must(")")?;
        Ok(read)
    }
}

/// A pattern of `parse` as a regular expression: each asterisk takes as little as it can, the one at the end all the
/// rest.
fn from_glob(glob: &str) -> String {
    let parts: Vec<String> = glob.split('*').map(regex::escape).collect();
    let mut pattern = String::from(if glob.starts_with('*') { "(?s)^" } else { "(?s)" });
    pattern.push_str(&parts.join("(.*?)"));
    if glob.ends_with('*') {
        pattern.push('$');
    }
    pattern
}
