//! What the screen says as lines of text, and how many of them fit where: for whoever draws them, and for whoever moves
//! over them.
//!
//! Reads the state. Draws nothing, changes nothing, and knows neither the view nor the update.

pub(crate) mod actions;
pub(crate) mod choices;
pub(crate) mod details;
pub(crate) mod header;
pub(crate) mod help;
pub(crate) mod layout;
pub(crate) mod marks;
pub(crate) mod page;
mod report;
pub(crate) mod review;
pub(crate) mod stage;
