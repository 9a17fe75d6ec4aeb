//! The methods to choose from while a throttle is being typed: what each gets now, and the limit that is offered for
//! it.

use std::sync::Arc;

use crate::model::action::{Action, Throttle};
use crate::model::connection::StageAt;
use crate::model::proposal::Proposals;
use crate::model::stage_report::{MethodRow, StageReport};

/// A limit that is offered leaves so many times what comes now.
const ROOM: f64 = 1.5;

/// The methods of one stage.
#[derive(Debug)]
pub(crate) struct ThrottlePane {
    pub(crate) stage: StageAt,
    /// `None` until it has arrived.
    pub(crate) report: Option<Arc<StageReport>>,
    /// The line that was chosen last.
    pub(crate) chosen: Option<usize>,
    /// What was put into the prompt: only that is replaced.
    pub(crate) offered: String,
}

impl ThrottlePane {
    /// The methods, or why they are not known.
    pub(crate) fn methods(&self) -> Option<Result<&[MethodRow], &str>> {
        use crate::model::board::Known;
        Some(match &self.report.as_ref()?.methods {
            Known::Yes(methods) => Ok(methods),
            Known::No(why) => Err(why),
            Known::NotYet => return None,
        })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.methods().and_then(Result::ok).map_or(0, <[MethodRow]>::len)
    }

    /// What is typed for the method in a line: its name, a rate and a burst.
    pub(crate) fn typed(&self, at: usize, proposals: Option<&Proposals>, is_calm: bool) -> Option<String> {
        let method = self.methods()?.ok()?.get(at)?;
        Some(match limit(method, proposals, is_calm) {
            Some((rate, burst)) => format!("{} {rate} {burst}", method.name),
            None => format!("{} ", method.name),
        })
    }
}

/// The rate and the burst that are offered: those proposed against the attack; where none stands, half as much again as
/// comes now.
pub(crate) fn limit(method: &MethodRow, proposals: Option<&Proposals>, is_calm: bool) -> Option<(u32, u32)> {
    let steps = proposals.into_iter().flat_map(|found| &found.proposals);
    let proposed = steps.filter_map(|step| match &step.action {
        Some(Action::Throttle(Throttle { method: Some(name), rate, burst, .. })) if name.to_string() == method.name => {
            Some((*rate, *burst))
        }
        _ => None,
    });
    proposed.into_iter().next().or_else(|| {
        // What comes with an attack is no measure.
        let now = method.requests_per_second.value().filter(|_| is_calm)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rate = (now * ROOM).ceil().clamp(1.0, 1e6) as u32;
        Some((rate, rate))
    })
}
