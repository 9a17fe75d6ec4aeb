//! Requests that are tried again.

use std::collections::VecDeque;

use crate::scenario::RetrySpec;
use crate::traffic::chance::Chance;
use crate::traffic::flows::Plan;

/// What a population has yet to try again.
#[derive(Debug)]
pub(in crate::traffic) struct Retries {
    spec: RetrySpec,
    /// By when it is due.
    waiting: VecDeque<Again>,
    /// What of this second's requests has been tried before.
    sent: Vec<Sent>,
}

/// Requests that wait to be tried again.
#[derive(Debug)]
struct Again {
    due: i64,
    shape: usize,
    /// One of those who send them: classes come and go.
    address: usize,
    tries: u32,
    requests: u64,
}

/// Requests of a flow that have been tried so often before.
#[derive(Debug)]
struct Sent {
    flow: usize,
    tries: u32,
    requests: u64,
}

/// What has failed of a flow in a second.
pub(super) struct Loss {
    pub(super) flow: usize,
    pub(super) shape: usize,
    pub(super) address: usize,
    pub(super) sent: u64,
    pub(super) failed: u64,
}

impl Retries {
    pub(super) fn new(spec: RetrySpec) -> Self {
        Self { spec, waiting: VecDeque::new(), sent: Vec::new() }
    }

    /// Whether a 403 is tried again, too.
    pub(super) fn after_forbidden(&self) -> bool {
        self.spec.forbidden
    }

    /// What is sent again in a second: flows of the plan, and how many requests. What those had in mind who send no
    /// more is dropped.
    pub(in crate::traffic) fn take(&mut self, second: i64, plan: &Plan) -> impl Iterator<Item = (usize, u64)> {
        self.sent.clear();
        while let Some(Again { due, shape, address, tries, requests }) =
            self.waiting.pop_front_if(|one| one.due <= second)
        {
            let class = plan.classes.iter().position(|class| class.members.binary_search(&address).is_ok());
            // A stage that was gone for a while is not sent all at once what it has missed.
            if let Some(class) = class.filter(|_| due == second) {
                self.sent.push(Sent { flow: shape * plan.classes.len() + class, tries, requests });
            }
        }
        self.sent.iter().map(|sent| (sent.flow, sent.requests))
    }

    /// Notes what has failed in a second: first tries and later ones alike, as many as there were of each.
    pub(super) fn note(&mut self, what: &Loss, second: i64, chance: &mut Chance) {
        let before: Vec<(u32, u64)> =
            self.sent.iter().filter(|sent| sent.flow == what.flow).map(|sent| (sent.tries, sent.requests)).collect();
        let first = what.sent - before.iter().map(|(_, requests)| requests).sum::<u64>();
        let (mut of, mut failed) = (what.sent, what.failed.min(what.sent));
        for (tries, requests) in before.into_iter().chain([(0, first)]) {
            let others = of - requests;
            let drawn = chance.binomial(failed, requests as f64 / of.max(1) as f64);
            let mine = drawn.clamp(failed.saturating_sub(others), requests.min(failed));
            (of, failed) = (others, failed - mine);
            let again = if tries < self.spec.times { chance.binomial(mine, self.spec.share) } else { 0 };
            if again > 0 {
                let due = second + self.spec.after.seconds.max(1);
                let (shape, address) = (what.shape, what.address);
                self.waiting.push_back(Again { due, shape, address, tries: tries + 1, requests: again });
            }
        }
    }
}
