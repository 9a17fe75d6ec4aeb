//! What populations do of themselves: fields that make no sense together.

use super::{Check, Checked};
use crate::scenario::{Population, WhenBlocked};

impl Check<'_> {
    pub(super) fn conduct(&self, population: &Population) -> Checked {
        let until = population.pulse.as_ref().and_then(|pulse| pulse.until.as_ref());
        let start = population.start.unwrap_or_default();
        if let Some(until) = until.filter(|until| *until.get_ref() <= start) {
            let error = self.error(&until.span(), "`until` is not after the population begins: it never pulses");
            return Err(error.hint("write a later `until`, or take `pulse` out"));
        }
        for habit in &population.habits {
            if let Some(returns) = &habit.returns
                && habit.when_blocked != WhenBlocked::GiveUp
            {
                let error = self.error(&returns.span(), "only addresses that give up can come back");
                return Err(error.hint("write `when_blocked = \"give-up\"`, or take `returns` out"));
            }
        }
        Ok(())
    }
}
