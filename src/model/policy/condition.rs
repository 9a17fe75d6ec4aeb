//! Conditions of a statement: whether they hold for a call, do not, or cannot be told.
//!
//! What is not understood whole (an operator that IAM does not have, a value of another kind, a variable, a key of
//! which the console knows nothing) is unknown, never “no condition”. How a key that the request lacks is taken is
//! documented (IAM: condition operators).

use std::net::IpAddr;

use chrono::{DateTime, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use ipnet::IpNet;
use serde_json::Value;

use super::call::{Holds, Seen};
use super::meant::Meant;
use super::texts;
use super::wild::{arn_matches, wild};

/// Whether all conditions of a statement hold.
pub(super) fn conditions(condition: Option<&Value>, seen: &Seen<'_>) -> Holds {
    let Some(condition) = condition else { return Holds::Yes };
    let Some(operators) = condition.as_object() else {
        return Holds::Unknown("a statement's Condition is not what IAM takes".to_owned());
    };
    let mut all = Holds::Yes;
    for (operator, keys) in operators {
        let Some(keys) = keys.as_object() else {
            return Holds::Unknown(format!("{operator} names no keys"));
        };
        for (key, values) in keys {
            all = all.and(|| holds(operator, key, &texts(values), seen));
        }
    }
    all
}

/// How an operator takes several values on the request's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    One,
    All,
    Any,
}

/// An operator, read.
#[derive(Debug, Clone, Copy)]
struct Operator {
    test: Test,
    not: bool,
    if_exists: bool,
    over: Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Address,
    Text { like: bool, fold: bool },
    Arn,
    Truth,
    Date(Compare),
    Number(Compare),
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Equals,
    Less,
    LessEquals,
    Greater,
    GreaterEquals,
}

/// The operator of a name (documented: IAM's condition operators); `None` where IAM has none of it, or it is not taken
/// so.
fn operator(name: &str) -> Option<Operator> {
    let (over, name) = match name.split_once(':') {
        Some(("ForAllValues", rest)) => (Over::All, rest),
        Some(("ForAnyValue", rest)) => (Over::Any, rest),
        Some(_) => return None,
        None => (Over::One, name),
    };
    let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |short| (short, true));
    let text = |like, fold| Test::Text { like, fold };
    let (test, not) = match name {
        "IpAddress" => (Test::Address, false),
        "NotIpAddress" => (Test::Address, true),
        "StringEquals" => (text(false, false), false),
        "StringNotEquals" => (text(false, false), true),
        "StringEqualsIgnoreCase" => (text(false, true), false),
        "StringNotEqualsIgnoreCase" => (text(false, true), true),
        "StringLike" => (text(true, false), false),
        "StringNotLike" => (text(true, false), true),
        "ArnEquals" | "ArnLike" => (Test::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Test::Arn, true),
        "Bool" => (Test::Truth, false),
        // Neither prefix nor suffix goes with it.
        "Null" if over == Over::One && !if_exists => (Test::Null, false),
        _ => compared(name)?,
    };
    // Whether a missing key satisfies such a mixture is not documented.
    (!(over == Over::Any && if_exists)).then_some(Operator { test, not, if_exists, over })
}

/// `DateLessThan`, `NumericNotEquals` and their kin.
fn compared(name: &str) -> Option<(Test, bool)> {
    let date = name.strip_prefix("Date");
    let (compare, not) = match date.or_else(|| name.strip_prefix("Numeric"))? {
        "Equals" => (Compare::Equals, false),
        "NotEquals" => (Compare::Equals, true),
        "LessThan" => (Compare::Less, false),
        "LessThanEquals" => (Compare::LessEquals, false),
        "GreaterThan" => (Compare::Greater, false),
        "GreaterThanEquals" => (Compare::GreaterEquals, false),
        _ => return None,
    };
    Some((if date.is_some() { Test::Date(compare) } else { Test::Number(compare) }, not))
}

/// What a request says about a key.
enum Fact<'a> {
    Address(IpAddr),
    Text(&'a str),
    Time {
        at: DateTime<Utc>,
        as_seconds: bool,
    },
    /// It is certain that the request does not have it.
    Absent,
    /// The console does not know.
    NotKnown,
}

/// A user agent that no pattern of a few characters means.
const ORDINARY: &str = "any~agent~else";

/// Names of keys are not case-sensitive (documented). A public caller comes from no VPC; every call comes over TLS.
/// Keys of a principal are in the request of methods with IAM only (documented: API Gateway's condition keys).
fn fact<'a>(key: &str, seen: &'a Seen<'_>) -> Fact<'a> {
    let call = &seen.call;
    let text = |value: Option<&'a str>| value.map_or(Fact::Absent, Fact::Text);
    let key = key.to_lowercase();
    let of_principal = key.starts_with("aws:principal") || matches!(key.as_str(), "aws:userid" | "aws:username");
    match key.as_str() {
        _ if of_principal && !seen.signed => Fact::Absent,
        _ if of_principal && !call.exact => Fact::NotKnown,
        "aws:useragent" if !call.exact && seen.ordinary => Fact::Text(ORDINARY),
        "aws:referer" if !call.exact && seen.ordinary => Fact::Absent,
        "aws:useragent" | "aws:referer" if !call.exact => Fact::NotKnown,
        "aws:sourceip" => Fact::Address(call.source_ip),
        "aws:useragent" => text(call.user_agent),
        "aws:referer" => text(call.referer),
        "aws:securetransport" => Fact::Text("true"),
        "aws:currenttime" => Fact::Time { at: call.at, as_seconds: false },
        "aws:epochtime" => Fact::Time { at: call.at, as_seconds: true },
        "aws:principalarn" => text(call.principal),
        "aws:principalaccount" => text(call.principal.and_then(|arn| arn.split(':').nth(4))),
        "aws:sourcevpc" | "aws:sourcevpce" | "aws:vpcsourceip" => Fact::Absent,
        // Whatever else is said of a principal: who did not sign has none.
        _ if of_principal && call.principal.is_none() => Fact::Absent,
        _ => Fact::NotKnown,
    }
}

/// One key under one operator.
fn holds(name: &str, key: &str, values: &[String], seen: &Seen<'_>) -> Holds {
    let doubt = |why: &str| Holds::Unknown(format!("{name} {key}: {why}"));
    let Some(operator) = operator(name) else { return doubt("not an operator that is understood") };
    let Some(wanted) = wanted(operator.test, values) else { return doubt("its values are not understood") };
    let fits = match fact(key, seen) {
        Fact::NotKnown => return doubt("not known of callers"),
        Fact::Absent => {
            return absent(operator, &wanted).map_or_else(|| doubt("undocumented without the key"), Holds::from);
        }
        fact => wanted.fits(&fact),
    };
    let why = match &wanted {
        Wanted::Nets(meant) => meant.doubt(),
        _ => None,
    };
    fits.map_or_else(|| doubt(why.unwrap_or("not understood of this key")), |fits| Holds::from(fits != operator.not))
}

/// What an operator says of a key that is not in the request: no, but for negated operators, `…IfExists`,
/// `ForAllValues:` and `Null`.
fn absent(operator: Operator, wanted: &Wanted) -> Option<bool> {
    match (wanted, operator.over) {
        (Wanted::Null(absent), _) => Some(*absent),
        // No value is among any; whether a negated operator outweighs that is not documented.
        (_, Over::Any) => (!operator.not).then_some(false),
        (_, Over::All) => Some(true),
        (_, Over::One) => Some(operator.not || operator.if_exists),
    }
}

/// The values of a condition, read as its operator takes them.
enum Wanted {
    Nets(Meant),
    Texts { values: Vec<String>, like: bool, fold: bool },
    Arns(Vec<String>),
    Truths(Vec<bool>),
    Times(Vec<Moment>, Compare),
    Numbers(Vec<f64>, Compare),
    Null(bool),
}

/// The values, or `None` where there are none or one of them is not of the operator's kind.
fn wanted(test: Test, values: &[String]) -> Option<Wanted> {
    // A variable stands for what is not known here, or for itself, by the policy's version.
    if values.is_empty() || values.iter().any(|value| value.contains("${")) {
        return None;
    }
    let truths = || values.iter().map(|value| value.to_lowercase().parse::<bool>().ok()).collect::<Option<Vec<bool>>>();
    match test {
        Test::Address => Some(Wanted::Nets(Meant::by(values)?)),
        Test::Text { like, fold } => Some(Wanted::Texts { values: values.to_vec(), like, fold }),
        Test::Arn => Some(Wanted::Arns(values.to_vec())),
        Test::Truth => truths().map(Wanted::Truths),
        Test::Date(compare) => {
            Some(Wanted::Times(values.iter().map(|value| moment(value)).collect::<Option<_>>()?, compare))
        }
        Test::Number(compare) => {
            let number = |value: &String| value.parse::<f64>().ok().filter(|n| n.is_finite());
            Some(Wanted::Numbers(values.iter().map(number).collect::<Option<_>>()?, compare))
        }
        Test::Null => match truths()?.as_slice() {
            [one] => Some(Wanted::Null(*one)),
            _ => None,
        },
    }
}

impl Wanted {
    /// Whether the fact is among what is wanted; `None` where that cannot be told.
    fn fits(&self, fact: &Fact<'_>) -> Option<bool> {
        match (self, fact) {
            (Self::Null(absent), _) => Some(!absent),
            (Self::Nets(meant), Fact::Address(address)) => meant.has(*address),
            (Self::Texts { values, like, fold: _ }, Fact::Address(address)) => as_text(values, *like, *address),
            (Self::Texts { values, like, fold }, Fact::Text(text)) => {
                let folded = |text: &str| if *fold { text.to_lowercase() } else { text.to_owned() };
                let text = folded(text);
                let fits = |value: &String| if *like { wild(value, &text) } else { folded(value) == text };
                Some(values.iter().any(fits))
            }
            (Self::Arns(values), Fact::Text(text)) => arn_matches(values, text),
            (Self::Truths(values), Fact::Text(text)) => text.parse::<bool>().ok().map(|truth| values.contains(&truth)),
            (Self::Times(moments, compare), Fact::Time { at, .. }) => {
                any(moments.iter().map(|m| m.compare(*at, *compare)))
            }
            (Self::Numbers(values, compare), Fact::Time { at, as_seconds: true }) => {
                let now = at.timestamp() as f64;
                Some(values.iter().any(|value| compare.holds(now.total_cmp(value))))
            }
            _ => None,
        }
    }
}

/// An address under an operator for texts. Such an operator compares characters (inferred): of a v4 address there is
/// one way to write it, and a prefix is never equal to it. How AWS writes a v6 address is not documented; it begins
/// with no number and a dot.
fn as_text(values: &[String], like: bool, address: IpAddr) -> Option<bool> {
    let text = address.to_string();
    match address {
        IpAddr::V4(_) => Some(values.iter().any(|value| if like { wild(value, &text) } else { *value == text })),
        IpAddr::V6(_) => {
            let never = |value: &String| match value.find([':', '*', '?', '.']) {
                Some(place) => value.as_bytes()[place] == b'.',
                None => true,
            };
            values.iter().all(never).then_some(false)
        }
    }
}

/// Any of them, three-valued.
fn any(all: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut told = Some(false);
    for one in all {
        match one {
            Some(true) => return Some(true),
            Some(false) => {}
            None => told = None,
        }
    }
    told
}

/// A moment as a policy writes it: seconds, from the earliest that may be meant to the latest.
struct Moment {
    earliest: i64,
    latest: i64,
}

/// Seconds since the epoch, or a date in one of the W3C's forms of ISO 8601 (documented). A date without a time of day
/// is taken as some moment of that day, anywhere on earth: which one is not documented.
fn moment(text: &str) -> Option<Moment> {
    let exactly = |seconds| Some(Moment { earliest: seconds, latest: seconds });
    if text.len() >= 9 && text.bytes().all(|b| b.is_ascii_digit()) {
        // Milliseconds look alike, three digits longer.
        return text.parse().ok().filter(|_| text.len() < 12).and_then(exactly);
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return exactly(at.timestamp());
    }
    let minutes = text.strip_suffix('Z').and_then(|text| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").ok());
    if let Some(at) = minutes {
        return exactly(at.and_utc().timestamp());
    }
    let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let (from, to) = match text.len() {
        10 => day(text).and_then(|day| Some((day, day.checked_add_days(Days::new(1))?)))?,
        7 => day(&format!("{text}-01")).and_then(|day| Some((day, day.checked_add_months(Months::new(1))?)))?,
        _ => return None,
    };
    let seconds = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc().timestamp();
    Some(Moment { earliest: seconds(from) - 14 * 3600, latest: seconds(to) + 12 * 3600 })
}

impl Moment {
    fn compare(&self, at: DateTime<Utc>, compare: Compare) -> Option<bool> {
        let now = at.timestamp();
        let (early, late) = (compare.holds(now.cmp(&self.earliest)), compare.holds(now.cmp(&self.latest)));
        // Between the two it may be equal.
        let sure = self.earliest == self.latest || now < self.earliest || now > self.latest;
        (early == late && sure).then_some(early)
    }
}

impl Compare {
    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equals => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessEquals => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterEquals => order.is_ge(),
        }
    }
}

/// How a condition on `aws:SourceIp` cuts the addresses.
pub(super) enum Cut {
    /// Those of a list are treated alike, and so are all others.
    List(Vec<IpNet>),
    /// By what their text looks like: no two need be treated alike.
    Ragged,
}

/// The cuts of a statement's conditions on `aws:SourceIp`, whatever operator they stand under. What is not understood
/// is unknown for every address alike, and cuts nothing.
pub(super) fn cuts(statement: &Value) -> Vec<Cut> {
    let operators = statement["Condition"].as_object().into_iter().flatten();
    let keys =
        operators.flat_map(|(name, keys)| keys.as_object().into_iter().flatten().map(move |(k, v)| (name, k, v)));
    let on_address = keys.filter(|(_, key, _)| key.eq_ignore_ascii_case("aws:SourceIp"));
    let cut = |(name, _, values): (&String, &String, &Value)| {
        let (Some(operator), values) = (operator(name), texts(values)) else { return Vec::new() };
        match operator.test {
            Test::Address => {
                let meant = Meant::by(&values).into_iter();
                meant.flat_map(|meant| [Cut::List(meant.surely), Cut::List(meant.at_most)]).collect()
            }
            Test::Text { like, .. } => {
                let alike: Option<Vec<Vec<IpNet>>> = values.iter().map(|value| written(value, like)).collect();
                vec![alike.map_or(Cut::Ragged, |nets| Cut::List(nets.concat()))]
            }
            _ => Vec::new(),
        }
    };
    on_address.flat_map(cut).collect()
}

/// The v4 addresses whose text fits a value, where these are a network or none at all.
fn written(value: &str, like: bool) -> Option<Vec<IpNet>> {
    if !like || !value.contains(['*', '?']) {
        return Some(
            value.parse::<std::net::Ipv4Addr>().map(|address| IpNet::from(IpAddr::V4(address))).into_iter().collect(),
        );
    }
    if value == "*" {
        return "0.0.0.0/0".parse().ok().map(|all| vec![all]);
    }
    // `192.0.2.*` and its like are whole networks.
    let octets: Vec<&str> = value.strip_suffix(".*")?.split('.').collect();
    let rest = ["0", "0", "0"];
    let missing = 4usize.checked_sub(octets.len()).filter(|n| (1..=3).contains(n))?;
    let address: std::net::Ipv4Addr = [octets.as_slice(), &rest[..missing]].concat().join(".").parse().ok()?;
    IpNet::new(address.into(), u8::try_from(octets.len() * 8).ok()?).ok().map(|net| vec![net])
}
