//! `LabelMatchStatement`: what rules before this one have put on the request.
//!
//! "If your label or namespace match string doesn't specify the prefix, AWS WAF uses the prefix for the label match
//! rule" (documented in `waf-rule-label-match.html`, with examples in `waf-rule-label-match-examples.html`).

use serde_json::Value;

use super::super::flaw::Flaw;

/// What every prefix begins with; no name of a customer's own may (documented in `waf-rule-label-requirements.html`).
const RESERVED: &str = "awswaf:";

/// A label or namespace to look for. Capitals count (documented).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LabelMatch {
    /// What a label begins with: the prefix of the rule's own context, or nothing where the key says it.
    prefix: String,
    key: String,
    namespace: bool,
}

impl LabelMatch {
    /// Reads the statement; `context` is the prefix of its web ACL's or rule group's labels, without the last colon.
    pub(super) fn read(body: &Value, context: &str) -> Result<Self, Flaw> {
        const FIELD: &str = "LABEL_MATCH_STATEMENT";
        let namespace = match body["Scope"].as_str() {
            Some("LABEL") => false,
            Some("NAMESPACE") => true,
            _ => return Err(Flaw::missing(FIELD, "Scope")),
        };
        let key = body["Key"].as_str().filter(|key| !key.is_empty()).ok_or_else(|| Flaw::missing(FIELD, "Key"))?;
        let prefix = if key.starts_with(RESERVED) { String::new() } else { format!("{context}:") };
        // A namespace may be written with a colon at its end or without.
        let key = if namespace { key.trim_end_matches(':') } else { key };
        Ok(Self { prefix, key: key.to_owned(), namespace })
    }

    /// Whether a label of the request is meant. A fully qualified key is the whole label, or its beginning where it is
    /// a namespace; any other is the end of a label of the own context, or a run of whole namespaces in it.
    pub(super) fn matches(&self, label: &str) -> bool {
        let Some(rest) = label.strip_prefix(self.prefix.as_str()) else { return false };
        let key = self.key.as_str();
        let own = !self.prefix.is_empty();
        if !self.namespace {
            return rest == key || (own && before(rest, key).is_some_and(|before| before.ends_with(':')));
        }
        let Some((namespaces, _)) = rest.rsplit_once(':') else { return false };
        let whole = |at: usize| {
            let after = &namespaces[at + key.len()..];
            (at == 0 || (own && namespaces[..at].ends_with(':'))) && (after.is_empty() || after.starts_with(':'))
        };
        namespaces.match_indices(key).any(|(at, _)| whole(at))
    }
}

/// What comes before an end.
fn before<'l>(label: &'l str, end: &str) -> Option<&'l str> {
    label.strip_suffix(end)
}
