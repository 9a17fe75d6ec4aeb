//! Which world the answers come from.

use std::sync::{Arc, Mutex, PoisonError};

use super::endpoint::Endpoint;
use super::refusal::Refusal;
use crate::model::identity::World;

/// The id of a range in this process that was given none.
const UNNAMED: &str = "in-process";

/// The id that the last answer with one carried. Cheap to clone; all clones hear the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Option<String>>>);

impl Heard {
    /// Takes note of an answer's id.
    pub(super) fn learn(&self, id: &str) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.as_deref() != Some(id) {
            *heard = Some(id.to_owned());
        }
    }

    /// The range that answered last; `None` where no answer has named one. An answer without an id says nothing: a
    /// range refuses some requests before it has looked at them.
    fn range(&self) -> Option<World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().map(World::Range)
    }

    /// That what answered last is not the world that an account was read in.
    pub(super) fn other_than(&self, bound: &World) -> Option<Refusal> {
        let answers = self.range().filter(|answers| answers != bound)?;
        Some(Refusal::OtherWorld { answers, bound: bound.clone() })
    }

    /// The world at the other end of `place`, once it has answered.
    pub(super) fn world(&self, place: &Endpoint) -> World {
        self.range().unwrap_or_else(|| match place {
            Endpoint::Range(_) => World::Range(UNNAMED.to_owned()),
            Endpoint::Configured | Endpoint::Url(_) => World::Aws,
        })
    }
}
