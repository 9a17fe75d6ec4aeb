//! Why a change was not let through to the account: an error's words, known to whoever refuses and to whoever tells.

use thiserror::Error;

use crate::model::identity::World;

/// Why the gate let nothing through.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Not a read, and no ticket.
    #[error("{0} would change the account and nobody confirmed it")]
    NoTicket(String),
    /// A ticket, but for something else.
    #[error("{operation} on {resource} is not what was confirmed")]
    OtherTicket {
        /// The operation attempted.
        operation: String,
        /// The resource in the request.
        resource: String,
    },
    /// Answers have come from another world than the account is of: another range behind the same port, or a range in
    /// the place of AWS.
    #[error(
        "what answers now is {answers}, and the account was {bound}'s: nothing is changed there. Start again, and plan again"
    )]
    OtherWorld {
        /// The world of the last answer.
        answers: World,
        /// The world of the account.
        bound: World,
    },
    /// A ticket for another account or region.
    #[error("the confirmation was for {confirmed}, this connection is to {connected}")]
    OtherAccount {
        /// Account and region of the ticket.
        confirmed: String,
        /// Account and region of the connection.
        connected: String,
    },
}
