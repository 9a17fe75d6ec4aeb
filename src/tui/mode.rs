//! What the console may do.

/// What the console is allowed to do, in one word the responder cannot miss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// On the range: everything may be done, nothing of it is real.
    Drill {
        /// The scenario's name.
        scenario: String,
    },
    /// On AWS, looking only.
    ReadOnly,
    /// On AWS, and confirmed plans are carried out.
    Armed,
}

impl Mode {
    /// The banner's words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Drill { scenario } => format!("DRILL {scenario}"),
            Self::ReadOnly => "READ-ONLY".into(),
            Self::Armed => "ARMED".into(),
        }
    }

    /// Whether a confirmed plan may be carried out.
    #[must_use]
    pub fn may_apply(&self) -> bool {
        !matches!(self, Self::ReadOnly)
    }
}
