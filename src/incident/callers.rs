//! Who called before an attack, as an incident keeps it: hashes in its journal. The key that they can be asked by is in
//! a file of its own (`callers_key`).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::callers::CallersBefore;
use crate::model::stage::StageId;

/// By stage and attack. Shared: whatever is known of an incident is handed about many times.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Callers(Arc<Vec<Kept>>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    stage: StageId,
    began: DateTime<Utc>,
    callers: CallersBefore,
}

impl Callers {
    /// Keeps them; the first of an attack counts, unless it is out of samples and these were counted. Those of another
    /// attack on the stage take its place.
    pub(super) fn keep(&mut self, stage: &StageId, began: DateTime<Utc>, callers: &CallersBefore) {
        if self.of(stage, began).is_none_or(|known| callers.tells_more_than(known)) {
            let all = Arc::make_mut(&mut self.0);
            all.retain(|kept| !kept.stage.is_same(stage));
            all.push(Kept { stage: stage.clone(), began, callers: callers.clone() });
        }
    }

    /// Until when any of them may be asked about.
    pub(super) fn until(&self) -> Option<DateTime<Utc>> {
        self.0.iter().map(|kept| kept.callers.until).max()
    }

    pub(super) fn of(&self, stage: &StageId, began: DateTime<Utc>) -> Option<&CallersBefore> {
        self.0.iter().find(|kept| kept.stage.is_same(stage) && kept.began == began).map(|kept| &kept.callers)
    }
}

impl Serialize for Callers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Callers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|all| Self(Arc::new(all)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::counted::CountedBy;

    #[test]
    fn the_first_of_an_attack_count_until_they_are_counted() {
        let stage = StageId { api_id: "a".to_owned(), api_name: "shop".to_owned(), stage: "prod".to_owned() };
        let renamed = StageId { api_name: "store".to_owned(), ..stage.clone() };
        let began = DateTime::UNIX_EPOCH;
        let callers = |per_second: f64, listed_share: Option<f64>| CallersBefore {
            counted_by: CountedBy::WafSamples,
            listed_share,
            samples: None,
            per_second,
            key: String::new(),
            until: began,
            addresses: [].into(),
            prefixes: [].into(),
        };
        let mut kept = Callers::default();
        let mut told = |new: CallersBefore, began| {
            kept.keep(&stage, began, &new);
            kept.of(&renamed, began).map(|callers| callers.per_second.to_string())
        };
        assert_eq!(told(callers(1.0, None), began), Some("1".to_owned()));
        assert_eq!(told(callers(2.0, None), began), Some("1".to_owned()));
        assert_eq!(told(callers(3.0, Some(0.5)), began), Some("3".to_owned()), "counted, they tell more");
        assert_eq!(told(callers(4.0, Some(1.0)), began), Some("3".to_owned()));
        assert_eq!(told(callers(5.0, None), began), Some("3".to_owned()));
        let next = began + chrono::TimeDelta::hours(1);
        assert_eq!(told(callers(6.0, None), next), Some("6".to_owned()), "of another attack");
        assert_eq!(kept.of(&stage, began), None);
    }
}
