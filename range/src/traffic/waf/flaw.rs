//! Why a statement is not taken.

/// What is wrong with a statement: AWS would refuse it, or the range cannot evaluate it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// `Field` of `WAFInvalidParameterException`.
    pub(crate) field: &'static str,
    /// Its `Parameter`.
    pub(crate) parameter: String,
    /// Its `Reason`.
    pub(crate) reason: String,
}

impl Flaw {
    /// What AWS refuses as well.
    pub(crate) fn wrong(field: &'static str, parameter: &str, reason: &str) -> Self {
        Self { field, parameter: parameter.to_owned(), reason: reason.to_owned() }
    }

    /// What AWS takes and the range does not evaluate: said in words that name the range, because nobody should look
    /// for the mistake in the definition.
    pub(crate) fn unevaluated(field: &'static str, what: &str, why: &str) -> Self {
        let reason = format!("The Portcullis range does not evaluate {what}: {why}");
        Self { field, parameter: what.to_owned(), reason }
    }

    /// A member that AWS requires.
    pub(crate) fn missing(field: &'static str, member: &str) -> Self {
        Self::wrong(field, member, "A required member is missing or has no valid value.")
    }
}
