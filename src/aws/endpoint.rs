//! Where calls go: to AWS, to a URL, or to a range in this process.

use super::in_process::RangeHandle;

/// Where the calls go.
#[derive(Debug, Clone, Default)]
pub enum Endpoint {
    /// AWS, or whatever the SDK's own environment variables and files say.
    #[default]
    Configured,
    /// Every service at this URL.
    Url(String),
    /// A range inside this process.
    Range(RangeHandle),
}
