//! Metric maths, the everyday part: `+ - * /`, parentheses, `SUM`, `AVG`, `MIN`, `MAX`, `FILL`, `PERIOD`.
//!
//! Points of two series meet by time; a time that one of them lacks is left out, and so is a division by zero
//! (documented). Everything else, `SEARCH` included, is refused with words.

use std::collections::BTreeMap;

/// Values by minute.
pub(super) type Series = BTreeMap<i64, f64>;

/// A value of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    Scalar(f64),
    Series(Series),
    List(Vec<Series>),
}

/// Finds the value of an id and its period in seconds, at some depth of nesting.
pub(super) type Lookup<'a> = dyn Fn(&str, usize) -> Result<(Term, i64), String> + 'a;

const MAX_DEPTH: usize = 16;

/// Evaluates an expression.
pub(super) fn evaluate(expression: &str, lookup: &Lookup<'_>, depth: usize) -> Result<Term, String> {
    let wrap = |reason: String| format!("Error in expression '{expression}': {reason}");
    if depth > MAX_DEPTH {
        return Err(wrap("expressions refer to each other without end".to_owned()));
    }
    let mut parser = Parser { rest: expression, lookup, depth };
    let term = parser.sum(0).map_err(wrap)?;
    match parser.peek() {
        None => Ok(term),
        Some(_) => Err(wrap(format!("unexpected '{}'", parser.rest))),
    }
}

struct Parser<'a> {
    rest: &'a str,
    lookup: &'a Lookup<'a>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.rest = &self.rest[wanted.len_utf8()..];
        }
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.eat(wanted) { Ok(()) } else { Err(format!("'{wanted}' is missing before '{}'", self.rest)) }
    }

    fn sum(&mut self, level: usize) -> Result<Term, String> {
        if level > MAX_DEPTH {
            return Err("it is nested too deeply".to_owned());
        }
        let mut left = self.product(level)?;
        loop {
            left = if self.eat('+') {
                binary(left, self.product(level)?, |a, b| Some(a + b))?
            } else if self.eat('-') {
                binary(left, self.product(level)?, |a, b| Some(a - b))?
            } else {
                return Ok(left);
            };
        }
    }

    fn product(&mut self, level: usize) -> Result<Term, String> {
        let mut left = self.factor(level)?;
        loop {
            left = if self.eat('*') {
                binary(left, self.factor(level)?, |a, b| Some(a * b))?
            } else if self.eat('/') {
                binary(left, self.factor(level)?, |a, b| (b != 0.0).then(|| a / b))?
            } else {
                return Ok(left);
            };
        }
    }

    fn factor(&mut self, level: usize) -> Result<Term, String> {
        match self.peek() {
            Some('(') => {
                self.expect('(')?;
                let inner = self.sum(level + 1)?;
                self.expect(')').map(|()| inner)
            }
            Some('-') => {
                self.expect('-')?;
                if level > MAX_DEPTH {
                    return Err("it is nested too deeply".to_owned());
                }
                let inner = self.factor(level + 1)?;
                binary(Term::Scalar(0.0), inner, |a, b| Some(a - b))
            }
            Some('[') => self.list(level),
            Some(first) if first.is_ascii_digit() || first == '.' => {
                let text = self.take(|letter| letter.is_ascii_digit() || letter == '.');
                text.parse().map(Term::Scalar).map_err(|_| format!("'{text}' is not a number"))
            }
            Some(first) if first.is_ascii_alphabetic() => {
                let name = self.take(|letter| letter.is_ascii_alphanumeric() || letter == '_');
                if self.peek() == Some('(') { self.call(name, level) } else { Ok((self.lookup)(name, self.depth)?.0) }
            }
            _ => Err(format!("a value is missing before '{}'", self.rest)),
        }
    }

    fn list(&mut self, level: usize) -> Result<Term, String> {
        self.expect('[')?;
        let mut items = Vec::new();
        loop {
            match self.sum(level + 1)? {
                Term::Series(series) => items.push(series),
                _ => return Err("a list holds time series only".to_owned()),
            }
            if !self.eat(',') {
                break;
            }
        }
        self.expect(']').map(|()| Term::List(items))
    }

    fn take(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|letter| !fits(letter)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn call(&mut self, name: &str, level: usize) -> Result<Term, String> {
        self.expect('(')?;
        let value = match name {
            "PERIOD" => {
                self.peek();
                let id = self.take(|letter| letter.is_ascii_alphanumeric() || letter == '_');
                Term::Scalar((self.lookup)(id, self.depth)?.1 as f64)
            }
            "FILL" => {
                let of = self.sum(level + 1)?;
                self.expect(',')?;
                let Term::Series(series) = of else { return Err("FILL needs a time series".to_owned()) };
                match self.sum(level + 1)? {
                    Term::Scalar(value) => Term::Series(fill(series, value)),
                    _ => return Err("FILL is known with a number only".to_owned()),
                }
            }
            "SUM" | "AVG" | "MIN" | "MAX" => aggregate(name, self.sum(level + 1)?)?,
            other => return Err(format!("the function {other} is not supported")),
        };
        self.expect(')').map(|()| value)
    }
}

/// Fills the minutes between the first and the last point; the range knows of no window here.
fn fill(mut series: Series, value: f64) -> Series {
    if let (Some((&first, _)), Some((&last, _))) = (series.first_key_value(), series.last_key_value()) {
        for minute in first..=last {
            series.entry(minute).or_insert(value);
        }
    }
    series
}

/// Over a list, a series by time; over one series, a number.
fn aggregate(name: &str, of: Term) -> Result<Term, String> {
    match of {
        Term::List(list) => {
            let mut gathered: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
            for (minute, value) in list.into_iter().flatten() {
                gathered.entry(minute).or_default().push(value);
            }
            let rows = gathered.into_iter().filter_map(|(minute, values)| Some((minute, reduce(name, &values)?)));
            Ok(Term::Series(rows.collect()))
        }
        Term::Series(series) => {
            let values: Vec<f64> = series.into_values().collect();
            Ok(Term::Scalar(reduce(name, &values).unwrap_or(0.0)))
        }
        Term::Scalar(_) => Err(format!("{name} needs time series")),
    }
}

fn reduce(name: &str, values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().sum();
    match name {
        "SUM" => Some(sum),
        "AVG" => (!values.is_empty()).then(|| sum / values.len() as f64),
        "MIN" => values.iter().copied().reduce(f64::min),
        _ => values.iter().copied().reduce(f64::max),
    }
}

fn binary(left: Term, right: Term, apply: impl Fn(f64, f64) -> Option<f64>) -> Result<Term, String> {
    let each = |series: Series, apply: &dyn Fn(f64) -> Option<f64>| -> Series {
        series.into_iter().filter_map(|(minute, value)| Some((minute, apply(value)?))).collect()
    };
    match (left, right) {
        (Term::Scalar(a), Term::Scalar(b)) => {
            apply(a, b).map(Term::Scalar).ok_or_else(|| "a division by zero".to_owned())
        }
        (Term::Series(series), Term::Scalar(b)) => Ok(Term::Series(each(series, &|a| apply(a, b)))),
        (Term::Scalar(a), Term::Series(series)) => Ok(Term::Series(each(series, &|b| apply(a, b)))),
        (Term::Series(one), Term::Series(other)) => {
            let met = one.into_iter().filter_map(|(minute, a)| Some((minute, apply(a, *other.get(&minute)?)?)));
            Ok(Term::Series(met.collect()))
        }
        _ => Err("arithmetic on a list is not supported".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn lookup(id: &str, _depth: usize) -> Result<(Term, i64), String> {
        match id {
            "m1" => Ok((Term::Series(Series::from([(0, 1.0), (1, 4.0), (2, 5.0)])), 60)),
            "m2" => Ok((Term::Series(Series::from([(0, 2.0), (2, 0.0)])), 60)),
            _ => Err("unknown".to_owned()),
        }
    }

    #[test]
    fn series_meet_by_time_and_division_by_zero_leaves_a_gap() {
        assert_eq!(evaluate("m1/m2*100", &lookup, 0).unwrap(), Term::Series(Series::from([(0, 50.0)])));
        let sum = evaluate("SUM([m1, m2]) / PERIOD(m1)", &lookup, 0).unwrap();
        assert_eq!(sum, Term::Series(Series::from([(0, 0.05), (1, 4.0 / 60.0), (2, 5.0 / 60.0)])));
    }

    #[test]
    fn nonsense_is_refused_and_never_overflows_the_stack() {
        for bad in ["", "m1 +", "(m1", "m9", "SEARCH('x', 'Sum')", "m1 m2"] {
            assert!(evaluate(bad, &lookup, 0).is_err(), "{bad}");
        }
        assert!(evaluate(&"(".repeat(2_000), &lookup, 0).is_err());
        assert!(evaluate(&"-".repeat(2_000), &lookup, 0).is_err());
    }
}
