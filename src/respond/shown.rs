//! What of a change shows in the account.

use super::{assigned, merge};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::change::{Edit, Standing};
use crate::model::plan::Change;

/// What of a change shows, by one reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// Everything is as it is to be.
    All,
    /// Everything is as it was read for the plan.
    Nothing,
    /// Neither.
    Part {
        /// What is there.
        detail: String,
        /// Whether some value is as it is to be and was not before.
        begun: bool,
    },
    /// Nothing in the account tells.
    CannotTell,
}

/// Reads what of `change` shows.
pub(super) async fn shown(aws: &Aws, change: &Change, lane: Lane) -> Result<Shown, AwsError> {
    match &change.edit {
        Edit::Entries => {
            let set = aws.ip_set(&change.resource.arn, lane).await?;
            Ok(if merge::shows(change, &set) {
                Shown::All
            } else if merge::shows_nothing(change, &set) {
                Shown::Nothing
            } else {
                Shown::Part { detail: "somebody else changed it too".to_owned(), begun: false }
            })
        }
        Edit::Assign(assignment) => {
            let now = assigned::current(aws, &assignment.place, lane).await?;
            Ok(match assignment.standing(&now) {
                Standing::After => Shown::All,
                Standing::Before => Shown::Nothing,
                Standing::Otherwise { lines, begun } => Shown::Part { detail: lines.join("; "), begun },
            })
        }
        Edit::Flush(_) => Ok(Shown::CannotTell),
    }
}
