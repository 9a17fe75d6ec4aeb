//! What an operation answers, whatever it will be encoded as.

use serde_json::Value;

use crate::wire::tree::Tree;

/// The body of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    /// No body at all.
    Empty,
    /// JSON.
    Json(Value),
    /// A tree that knows timestamps, for services with more than one encoding.
    Tree(Tree),
    /// A file to be saved: its bytes are the answer.
    File(File),
}

/// A file, as an export is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) content_type: &'static str,
    pub(crate) name: String,
    pub(crate) content: String,
}

/// A successful answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Body,
}

impl Answer {
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: 200, body: Body::Json(body) }
    }

    pub(crate) fn created(body: Value) -> Self {
        Self { status: 201, body: Body::Json(body) }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, body: Body::Empty }
    }
}
