//! WAFv2 statements: read once from the JSON the API holds, then asked many times.
//!
//! What cannot be evaluated is refused when a rule is defined (`service::wafv2`). Rules that never went through the API
//! may still hold such a statement; it matches nothing, and neither does what it is part of.

mod bytes;
mod label;
mod regex;

use serde_json::Value;

use super::super::places::{Places, UNKNOWN};
use super::super::request::Request;
use super::Counter;
use super::field::{Inspection, Subject, single};
use super::flaw::Flaw;
use super::text::{decoded, looks_like_sqli, looks_like_xss};
use bytes::ByteMatch;
use label::LabelMatch;

/// A statement, compiled.
#[derive(Debug)]
pub(crate) enum Statement {
    /// The address is in the IP set of this leaf; or that in this header is.
    Ip { leaf: usize, header: Option<String> },
    /// The address (or everybody) is over the rate of this leaf, and the scope matches.
    Rate { leaf: usize, scope: Option<Box<Statement>> },
    /// All match.
    And(Vec<Statement>),
    /// Any matches.
    Or(Vec<Statement>),
    /// Does not match.
    Not(Box<Statement>),
    /// Country of the caller, or of an address in a header.
    Geo { countries: Vec<String>, forwarded: Option<ForwardedHeader> },
    /// A label.
    Label(LabelMatch),
    /// A string in a component.
    Bytes(Inspection, Box<ByteMatch>),
    /// A regular expression in a component.
    Regex(Inspection, Box<::regex::bytes::Regex>),
    /// The size of a component.
    Size(Inspection, Comparison, u64),
    /// SQL injection in a component.
    Sqli(Inspection),
    /// Cross-site scripting in a component.
    Xss(Inspection),
    /// Not evaluated: matches nothing.
    Unevaluated,
}

/// A `ForwardedIPConfig`; documented in `API_ForwardedIPConfig.html`.
#[derive(Debug)]
pub(crate) struct ForwardedHeader {
    name: String,
    /// What an address that is none counts as.
    fallback: bool,
}

/// How sizes compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    Ne,
    Le,
    Lt,
    Ge,
    Gt,
}

/// What a statement is asked about: a request, whose address has been looked up already.
pub(crate) struct Facts<'a> {
    pub(crate) request: &'a Request,
    /// So many bytes of the body reach WAF.
    pub(crate) body_limit: usize,
    pub(crate) country: &'a str,
    /// Where addresses in headers are.
    pub(crate) places: &'a Places,
    /// By leaf: is the address in the set, is it over the rate.
    pub(crate) bits: &'a [bool],
    /// Labels so far.
    pub(crate) labels: Vec<String>,
    /// Labels that statements of this rule add: "at the end of a rule's web request evaluation" (documented).
    pending: Vec<String>,
    /// Whether a header that the rule needs is missing: then the rule is not applied at all (documented).
    inapplicable: bool,
    /// Rate leaves that this request counts for.
    pub(crate) rates: Vec<usize>,
    /// What it counts for in rule groups.
    pub(crate) grouped: Vec<(usize, Counter)>,
}

impl<'a> Facts<'a> {
    /// Of a request that no rule has looked at yet.
    pub(crate) fn new(subject: Subject<'a>, country: &'a str, places: &'a Places, bits: &'a [bool]) -> Self {
        Self {
            request: subject.request,
            body_limit: subject.body_limit,
            country,
            places,
            bits,
            labels: Vec::new(),
            pending: Vec::new(),
            inapplicable: false,
            rates: Vec::new(),
            grouped: Vec::new(),
        }
    }

    /// The request as WAF receives it.
    pub(crate) fn subject(&self) -> Subject<'a> {
        Subject { request: self.request, body_limit: self.body_limit }
    }

    /// Evaluates the statement of a whole rule.
    pub(crate) fn matches(&mut self, statement: &Statement) -> bool {
        self.inapplicable = false;
        let matched = statement.matches(self);
        for label in std::mem::take(&mut self.pending) {
            if !self.labels.contains(&label) {
                self.labels.push(label);
            }
        }
        matched && !self.inapplicable
    }
}

/// Where the reader puts what needs more than the request: IP sets and rates.
pub(crate) trait Leaves {
    /// The leaf of an `IPSetReferenceStatement`.
    fn ip_set(&mut self, statement: &Value) -> usize;
    /// The leaf of a `RateBasedStatement`.
    fn rate(&mut self, statement: &Value) -> usize;
    /// The prefix of the labels of the web ACL or rule group that the statement is in.
    fn context(&self) -> &str;
}

impl Statement {
    /// Reads a `Statement` that is not a reference to a group.
    pub(crate) fn read(json: &Value, leaves: &mut impl Leaves) -> Self {
        Self::try_read(json, leaves).unwrap_or(Self::Unevaluated)
    }

    fn try_read(json: &Value, leaves: &mut impl Leaves) -> Result<Self, Flaw> {
        let (kind, body) = single(json).ok_or_else(|| Flaw::missing("STATEMENT", "Exactly one statement"))?;
        Ok(match kind {
            "IPSetReferenceStatement" => {
                let header = body["IPSetForwardedIPConfig"]["HeaderName"].as_str().map(str::to_owned);
                Self::Ip { leaf: leaves.ip_set(body), header }
            }
            "RateBasedStatement" => {
                let leaf = leaves.rate(body);
                let scope = body.get("ScopeDownStatement").filter(|scope| !scope.is_null());
                let scope = scope.map(|scope| Self::try_read(scope, leaves)).transpose()?;
                Self::Rate { leaf, scope: scope.map(Box::new) }
            }
            "AndStatement" => Self::And(Self::all(body, leaves)?),
            "OrStatement" => Self::Or(Self::all(body, leaves)?),
            "NotStatement" => Self::Not(Box::new(Self::try_read(&body["Statement"], leaves)?)),
            _ => Self::simple(kind, body, leaves.context())?,
        })
    }

    fn all(body: &Value, leaves: &mut impl Leaves) -> Result<Vec<Self>, Flaw> {
        let inner = body["Statements"].as_array().map(Vec::as_slice).unwrap_or_default();
        inner.iter().map(|statement| Self::try_read(statement, leaves)).collect()
    }

    /// Reads a statement that asks for nothing but the request and its labels; `context` is the prefix of the labels
    /// of where it stands.
    pub(crate) fn simple(kind: &str, body: &Value, context: &str) -> Result<Self, Flaw> {
        Ok(match kind {
            "GeoMatchStatement" => Self::geo(body)?,
            "LabelMatchStatement" => Self::Label(LabelMatch::read(body, context)?),
            "ByteMatchStatement" => Self::Bytes(Inspection::read(body)?, Box::new(ByteMatch::read(body)?)),
            "RegexMatchStatement" => Self::Regex(Inspection::read(body)?, Box::new(regex::read(body)?)),
            "SizeConstraintStatement" => {
                const FIELD: &str = "SIZE_CONSTRAINT_STATEMENT";
                let comparison = match body["ComparisonOperator"].as_str() {
                    Some("EQ") => Comparison::Eq,
                    Some("NE") => Comparison::Ne,
                    Some("LE") => Comparison::Le,
                    Some("LT") => Comparison::Lt,
                    Some("GE") => Comparison::Ge,
                    Some("GT") => Comparison::Gt,
                    _ => return Err(Flaw::missing(FIELD, "ComparisonOperator")),
                };
                let size = body["Size"].as_u64().ok_or_else(|| Flaw::missing(FIELD, "Size"))?;
                Self::Size(Inspection::read(body)?, comparison, size)
            }
            "SqliMatchStatement" => Self::Sqli(Inspection::read(body)?),
            "XssMatchStatement" => Self::Xss(Inspection::read(body)?),
            other => return Err(Flaw::wrong("STATEMENT", other, "The statement is not valid.")),
        })
    }

    fn geo(body: &Value) -> Result<Self, Flaw> {
        let countries = strings(&body["CountryCodes"]);
        if countries.is_empty() {
            return Err(Flaw::missing("GEO_MATCH_STATEMENT", "CountryCodes"));
        }
        let config = &body["ForwardedIPConfig"];
        let forwarded = (!config.is_null()).then(|| {
            let name = config["HeaderName"].as_str().unwrap_or("").to_owned();
            ForwardedHeader { name, fallback: config["FallbackBehavior"] == "MATCH" }
        });
        Ok(Self::Geo { countries, forwarded })
    }

    /// Whether the request matches. Remembers the rates it counts for.
    fn matches(&self, facts: &mut Facts<'_>) -> bool {
        match self {
            Self::Ip { leaf, header } => {
                if header.as_ref().is_some_and(|header| facts.request.header(header).is_none()) {
                    facts.inapplicable = true;
                }
                facts.bits.get(*leaf).copied().unwrap_or(false)
            }
            Self::Rate { leaf, scope } => {
                let inside = scope.as_ref().is_none_or(|scope| scope.matches(facts));
                if !inside || facts.inapplicable {
                    return false;
                }
                facts.rates.push(*leaf);
                facts.bits.get(*leaf).copied().unwrap_or(false)
            }
            Self::And(all) => !all.is_empty() && all.iter().all(|statement| statement.matches(facts)),
            Self::Or(any) => any.iter().any(|statement| statement.matches(facts)),
            Self::Not(inner) => !inner.matches(facts),
            Self::Geo { countries, forwarded } => facts.in_country(countries, forwarded.as_ref()),
            Self::Label(label) => facts.labels.iter().any(|known| label.matches(known)),
            Self::Bytes(inspection, search) => inspection.any(facts.subject(), |text| search.matches(text)),
            Self::Regex(inspection, pattern) => inspection.any(facts.subject(), |text| pattern.is_match(text)),
            Self::Size(inspection, comparison, size) => {
                inspection.any_size(facts.subject(), |found| compare(found, *comparison, *size))
            }
            Self::Sqli(inspection) => inspection.any(facts.subject(), |text| decoded(text, looks_like_sqli)),
            Self::Xss(inspection) => inspection.any(facts.subject(), |text| decoded(text, looks_like_xss)),
            Self::Unevaluated => false,
        }
    }

    /// Whether the answer depends on the country.
    pub(crate) fn uses_geo(&self) -> bool {
        match self {
            Self::Geo { .. } => true,
            Self::Rate { scope: Some(inner), .. } | Self::Not(inner) => inner.uses_geo(),
            Self::And(all) | Self::Or(all) => all.iter().any(Self::uses_geo),
            _ => false,
        }
    }
}

impl Facts<'_> {
    /// Labels the request with country and region, whether they match or not, and says whether the country does
    /// (documented in `waf-rule-statement-type-geo-match.html`). Regions are not simulated: `XX`, as AWS has it where
    /// one is not available.
    fn in_country(&mut self, countries: &[String], forwarded: Option<&ForwardedHeader>) -> bool {
        let (source, country) = match forwarded {
            None => ("clientip", self.country),
            Some(config) => {
                let Some(value) = self.request.header(&config.name) else {
                    self.inapplicable = true;
                    return false;
                };
                // Only the first address counts (documented).
                let first = value.split(',').next().unwrap_or("").trim();
                let Ok(address) = first.parse() else { return config.fallback };
                ("forwardedip", self.places.country(address))
            }
        };
        let code = if country.is_empty() || country == UNKNOWN { "XX" } else { country };
        self.pending.push(format!("awswaf:{source}:geo:country:{code}"));
        self.pending.push(format!("awswaf:{source}:geo:region:{code}-XX"));
        countries.iter().any(|wanted| wanted == country)
    }
}

const fn compare(left: u64, comparison: Comparison, right: u64) -> bool {
    match comparison {
        Comparison::Eq => left == right,
        Comparison::Ne => left != right,
        Comparison::Le => left <= right,
        Comparison::Lt => left < right,
        Comparison::Ge => left >= right,
        Comparison::Gt => left > right,
    }
}

/// The strings of a JSON array.
pub(crate) fn strings(json: &Value) -> Vec<String> {
    json.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
