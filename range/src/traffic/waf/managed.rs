//! AWS's managed rule groups, as far as the range knows them.
//!
//! Names of groups, rules and labels are AWS's (documented in the WAF guide's list of baseline and use-case groups);
//! what makes a rule match is the range's own approximation. A managed group that is not listed here matches nothing.

use std::borrow::Cow;

use super::field::{Field, Inspection, Map, Oversize, Subject};
use super::text;
use super::transform::Transforms;

/// One rule of a managed group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ManagedRule {
    /// AWS's name.
    pub(crate) name: &'static str,
    /// Last part of the label.
    pub(crate) label: &'static str,
    look: Look,
}

#[derive(Debug, Clone, Copy)]
enum Look {
    /// A test of a field's decoded text.
    Text(Place, fn(&str) -> bool),
    /// A field longer than so many bytes.
    Over(Place, u64),
    /// No `User-Agent`.
    NoUserAgent,
    /// Never on what the range simulates.
    Never,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Body,
    Query,
    Path,
    Cookie,
    Agent,
    Headers,
}

impl Place {
    fn inspection(self) -> Inspection {
        let field = match self {
            Self::Body => Field::Body(Oversize::Continue),
            Self::Query => Field::QueryString,
            Self::Path => Field::UriPath,
            Self::Cookie => Field::SingleHeader(Cow::Borrowed("cookie")),
            Self::Agent => Field::SingleHeader(Cow::Borrowed("user-agent")),
            Self::Headers => Field::Headers(Map::everything()),
        };
        Inspection { field, transforms: Transforms::default() }
    }
}

impl ManagedRule {
    /// Whether the request matches.
    pub(crate) fn matches(&self, subject: Subject<'_>) -> bool {
        match self.look {
            Look::Text(place, test) => place.inspection().any(subject, |found| text::decoded(found, test)),
            Look::Over(place, most) => place.inspection().any_size(subject, |size| size > most),
            Look::NoUserAgent => subject.request.header("user-agent").is_none_or(str::is_empty),
            Look::Never => false,
        }
    }
}

/// A managed group: its label namespace and its rules in order.
pub(crate) struct ManagedGroup {
    /// `awswaf:managed:aws:` and this.
    pub(crate) namespace: &'static str,
    /// In order of evaluation.
    pub(crate) rules: &'static [ManagedRule],
}

/// A group of vendor `AWS` by name.
pub(crate) fn group(name: &str) -> Option<ManagedGroup> {
    Some(match name {
        "AWSManagedRulesCommonRuleSet" => ManagedGroup { namespace: "core-rule-set", rules: &COMMON },
        "AWSManagedRulesSQLiRuleSet" => ManagedGroup { namespace: "sql-database", rules: &SQLI },
        "AWSManagedRulesKnownBadInputsRuleSet" => ManagedGroup { namespace: "known-bad-inputs", rules: &BAD_INPUTS },
        _ => return None,
    })
}

const fn rule(name: &'static str, label: &'static str, look: Look) -> ManagedRule {
    ManagedRule { name, label, look }
}

fn bad_bot(agent: &str) -> bool {
    ["nessus", "nikto", "sqlmap", "nmap", "masscan"].iter().any(|bot| agent.contains(bot))
}

fn restricted_extension(text: &str) -> bool {
    [".log", ".ini", ".bak", ".sql", ".cfg"].iter().any(|extension| text.ends_with(extension))
}

static SQLI: [ManagedRule; 5] = [
    rule(
        "SQLiExtendedPatterns_QUERYARGUMENTS",
        "SQLiExtendedPatterns_QueryArguments",
        Look::Text(Place::Query, text::looks_like_extended_sqli),
    ),
    rule("SQLi_QUERYARGUMENTS", "SQLi_QueryArguments", Look::Text(Place::Query, text::looks_like_sqli)),
    rule(
        "SQLiExtendedPatterns_BODY",
        "SQLiExtendedPatterns_Body",
        Look::Text(Place::Body, text::looks_like_extended_sqli),
    ),
    rule("SQLi_BODY", "SQLi_Body", Look::Text(Place::Body, text::looks_like_sqli)),
    rule("SQLi_COOKIE", "SQLi_Cookie", Look::Text(Place::Cookie, text::looks_like_sqli)),
];

static COMMON: [ManagedRule; 22] = [
    rule("NoUserAgent_HEADER", "NoUserAgent_Header", Look::NoUserAgent),
    rule("UserAgent_BadBots_HEADER", "BadBots_Header", Look::Text(Place::Agent, bad_bot)),
    rule("SizeRestrictions_QUERYSTRING", "SizeRestrictions_QueryString", Look::Over(Place::Query, 2_048)),
    rule("SizeRestrictions_Cookie_HEADER", "SizeRestrictions_Cookie_Header", Look::Over(Place::Cookie, 10_240)),
    rule("SizeRestrictions_BODY", "SizeRestrictions_Body", Look::Over(Place::Body, 8_192)),
    rule("SizeRestrictions_URIPATH", "SizeRestrictions_URIPath", Look::Over(Place::Path, 1_024)),
    rule("EC2MetaDataSSRF_BODY", "EC2MetaDataSSRF_Body", Look::Text(Place::Body, text::looks_like_metadata)),
    rule("EC2MetaDataSSRF_COOKIE", "EC2MetaDataSSRF_Cookie", Look::Text(Place::Cookie, text::looks_like_metadata)),
    rule("EC2MetaDataSSRF_URIPATH", "EC2MetaDataSSRF_URIPath", Look::Text(Place::Path, text::looks_like_metadata)),
    rule(
        "EC2MetaDataSSRF_QUERYARGUMENTS",
        "EC2MetaDataSSRF_QueryArguments",
        Look::Text(Place::Query, text::looks_like_metadata),
    ),
    rule("GenericLFI_QUERYARGUMENTS", "GenericLFI_QueryArguments", Look::Text(Place::Query, text::looks_like_lfi)),
    rule("GenericLFI_URIPATH", "GenericLFI_URIPath", Look::Text(Place::Path, text::looks_like_lfi)),
    rule("GenericLFI_BODY", "GenericLFI_Body", Look::Text(Place::Body, text::looks_like_lfi)),
    rule("RestrictedExtensions_URIPATH", "RestrictedExtensions_URIPath", Look::Text(Place::Path, restricted_extension)),
    rule(
        "RestrictedExtensions_QUERYARGUMENTS",
        "RestrictedExtensions_QueryArguments",
        Look::Text(Place::Query, restricted_extension),
    ),
    rule("GenericRFI_QUERYARGUMENTS", "GenericRFI_QueryArguments", Look::Text(Place::Query, text::looks_like_rfi)),
    rule("GenericRFI_BODY", "GenericRFI_Body", Look::Text(Place::Body, text::looks_like_rfi)),
    rule("GenericRFI_URIPATH", "GenericRFI_URIPath", Look::Text(Place::Path, text::looks_like_rfi)),
    rule("CrossSiteScripting_COOKIE", "CrossSiteScripting_Cookie", Look::Text(Place::Cookie, text::looks_like_xss)),
    rule(
        "CrossSiteScripting_QUERYARGUMENTS",
        "CrossSiteScripting_QueryArguments",
        Look::Text(Place::Query, text::looks_like_xss),
    ),
    rule("CrossSiteScripting_BODY", "CrossSiteScripting_Body", Look::Text(Place::Body, text::looks_like_xss)),
    rule("CrossSiteScripting_URIPATH", "CrossSiteScripting_URIPath", Look::Text(Place::Path, text::looks_like_xss)),
];

static BAD_INPUTS: [ManagedRule; 6] = [
    rule("JavaDeserializationRCE_BODY", "JavaDeserializationRCE_Body", Look::Never),
    rule("Host_localhost_HEADER", "Host_Localhost_Header", Look::Never),
    rule("Log4JRCE_QUERYSTRING", "Log4JRCE_QueryString", Look::Text(Place::Query, text::looks_like_log4j)),
    rule("Log4JRCE_BODY", "Log4JRCE_Body", Look::Text(Place::Body, text::looks_like_log4j)),
    rule("Log4JRCE_URIPATH", "Log4JRCE_URIPath", Look::Text(Place::Path, text::looks_like_log4j)),
    rule("Log4JRCE_HEADER", "Log4JRCE_Header", Look::Text(Place::Headers, text::looks_like_log4j)),
];
