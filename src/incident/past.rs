//! Ids of what is over, of which nothing is wanted but that they are taken and where they stand.
//!
//! A long incident has thousands. Each kind is one text, so that an index of them is read, kept and handed on at next
//! to no cost.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::timeline::ActionState;

/// Ids, in no order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Ids(Arc<str>);

impl Default for Ids {
    fn default() -> Self {
        Self(Arc::from(" "))
    }
}

impl From<String> for Ids {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Ids> for String {
    fn from(ids: Ids) -> Self {
        ids.0.as_ref().to_owned()
    }
}

impl Ids {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// Whether `id` is one of them.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        !id.is_empty() && !id.contains(' ') && self.0.contains(&format!(" {id} "))
    }

    /// Adds ids. None of them holds a space: an action's id is hexadecimal, and one that is not is not kept.
    pub fn extend(&mut self, ids: impl IntoIterator<Item = String>) {
        let mut all = self.0.as_ref().to_owned();
        for id in ids.into_iter().filter(|id| !id.is_empty() && !id.contains(' ')) {
            all.push_str(&id);
            all.push(' ');
        }
        self.0 = all.into();
    }
}

/// Where actions stand that are over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished(Vec<(ActionState, Ids)>);

impl Finished {
    /// Where an action stands, if it is one of these.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<ActionState> {
        self.0.iter().find(|(_, ids)| ids.contains(id)).map(|(state, _)| *state)
    }

    /// Adds actions.
    pub fn extend(&mut self, actions: impl IntoIterator<Item = (String, ActionState)>) {
        let mut by_state: Vec<(ActionState, Vec<String>)> = Vec::new();
        for (id, state) in actions {
            match by_state.iter_mut().find(|(of, _)| *of == state) {
                Some((_, ids)) => ids.push(id),
                None => by_state.push((state, vec![id])),
            }
        }
        for (state, ids) in by_state {
            self.of(state).extend(ids);
        }
    }

    /// Adds all of another incident's. Those of one incident are handed on as they are.
    pub(super) fn join(&mut self, other: Self) {
        if self.0.is_empty() {
            *self = other;
            return;
        }
        for (state, ids) in other.0 {
            let own = self.of(state);
            own.extend(ids.0.split_whitespace().map(str::to_owned));
        }
    }

    fn of(&mut self, state: ActionState) -> &mut Ids {
        let at = self.0.iter().position(|(of, _)| *of == state).unwrap_or_else(|| {
            self.0.push((state, Ids::default()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_are_found_whole_and_by_state() {
        let mut finished = Finished::default();
        assert_eq!(finished.get(""), None);
        let add = |id: &str, state| (id.to_owned(), state);
        finished.extend([add("abc123", ActionState::Undone), add("123abc", ActionState::NotDone)]);
        finished.extend([add("c1231", ActionState::Undone)]);
        let mut all = finished.clone();
        all.join(Finished::default());
        let mut other = Finished::default();
        other.extend([add("ffffff", ActionState::Final), add("eeeeee", ActionState::Undone)]);
        all.join(other);
        for (id, state) in
            [("abc123", ActionState::Undone), ("123abc", ActionState::NotDone), ("c1231", ActionState::Undone)]
        {
            assert_eq!((finished.get(id), all.get(id)), (Some(state), Some(state)), "{id}");
        }
        assert_eq!((all.get("ffffff"), all.get("eeeeee")), (Some(ActionState::Final), Some(ActionState::Undone)));
        for id in ["", " ", "abc12", "c123", "bc123", "abc123 c1231"] {
            assert_eq!(finished.get(id), None, "{id:?}");
        }
        let again: Finished = serde_json::from_str(&serde_json::to_string(&all).unwrap()).unwrap();
        assert_eq!(again, all);
    }
}
