//! Something that is read when it is asked for.

/// Something asked for.
#[derive(Debug, Default)]
pub(crate) enum Load<T> {
    #[default]
    Idle,
    Loading,
    Loaded(T),
    Failed(String),
}
