//! Access-log queries that are made by themselves outside the watcher: inside its budget for them, and in what it says
//! they have cost.
//!
//! The watcher's task alone keeps the purse. Makes no calls.

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use super::callers::{self, Scanned};
use super::logs;
use super::state::{State, row_key};
use crate::model::stage::{AccessLog, StageId};

/// Who calls is asked of the minutes of now by so many queries: addresses, kinds of request, and addresses again of the
/// kinds that rose.
const QUERIES_NOW: f64 = 3.0;

/// The same of the minutes before the attack.
const QUERIES_BEFORE: f64 = 2.0;

/// What is asked of the purse.
#[derive(Debug)]
pub(super) enum Wish {
    /// To ask a stage's log who calls: its log, as whoever asks has read it; the price is taken out of the budget until
    /// what it has cost is known.
    Reserve {
        stage: StageId,
        log: Option<AccessLog>,
        began: Option<DateTime<Utc>>,
        /// Dollars, or why it may not be asked.
        answer: oneshot::Sender<Result<f64, String>>,
    },
    /// What was asked has scanned so many bytes, out of what was reserved for it; `None` where somebody asked for it.
    Settle { reserved: Option<f64>, scanned: Scanned },
}

/// Takes a wish in at account time `now`.
pub(super) fn take(state: &mut State, wish: Wish, now: DateTime<Utc>) {
    match wish {
        Wish::Reserve { stage, log, began, answer } => {
            let reserved = reserve(state, &stage, log.as_ref(), (began, now));
            let dollars = reserved.as_ref().copied().unwrap_or(0.0);
            // Whoever asked may have gone: nothing will be scanned then.
            if answer.send(reserved).is_ok() {
                state.logs.costs.by_itself += dollars;
            }
        }
        Wish::Settle { reserved, scanned } => {
            let dollars = logs::scanned(state, scanned.bytes_of_all());
            match reserved {
                // What a lost answer has scanned is not known: nothing of the reservation comes back.
                Some(reserved) if scanned.unanswered > 0 => state.logs.costs.by_itself += (dollars - reserved).max(0.0),
                Some(reserved) => state.logs.costs.by_itself += dollars - reserved,
                None => state.logs.costs.by_hand += dollars,
            }
        }
    }
}

fn reserve(
    state: &mut State,
    stage: &StageId,
    log: Option<&AccessLog>,
    (began, now): (Option<DateTime<Utc>>, DateTime<Utc>),
) -> Result<f64, String> {
    let left = logs::left(state, now);
    let row = row_key(stage);
    // Where it has none that can be asked nothing will be, and whoever asks finds out why.
    let can_be_asked = state.settings.sources.ask_access_logs;
    let Some(Ok(log)) = log.filter(|_| can_be_asked).map(|log| callers::log::Log::of(stage, log)) else {
        return Ok(0.0);
    };
    let group = log.group;
    if state.entries.get(&row).is_none_or(|entry| entry.access_log().is_none()) {
        return Err("what it costs is not known yet".to_owned());
    }
    let (of_now, before) = callers::windows(now, began);
    let price = |window, queries| logs::dollars(state, (&row, &group), window) * queries;
    let price = price(of_now, QUERIES_NOW) + before.map_or(0.0, |before| price(before, QUERIES_BEFORE));
    if left <= 0.0 || price > left {
        let budget = state.settings.polling.log_budget_dollars_per_hour;
        return Err(format!(
            "it costs about ${price:.3}, and of the budget for log queries, ${budget:.2} an hour, ${:.3} is left; who looks at the sources asks it",
            left.max(0.0)
        ));
    }
    Ok(price)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use chrono::TimeDelta;

    use super::*;
    use crate::model::settings::Settings;
    use crate::model::stage::{Api, StageDetail};
    use crate::watch::discover::Found;

    fn stage() -> StageId {
        StageId { api_id: "a1".into(), api_name: "shop".into(), stage: "prod".into() }
    }

    fn log() -> AccessLog {
        AccessLog {
            destination: "arn:aws:logs:eu-central-1:111122223333:log-group:shop".into(),
            format: "$context.identity.sourceIp $context.status".into(),
        }
    }

    fn state(budget: f64) -> State {
        let mut settings = Settings::default();
        settings.polling.log_budget_dollars_per_hour = budget;
        let mut state = State::new(Arc::new(settings), "eu-central-1");
        let api = Api { id: "a1".into(), name: "shop".into(), endpoint_types: Vec::new(), endpoint_disabled: false };
        state.apply(Found::Apis(Ok(vec![api.clone()])));
        let log = log();
        let detail = StageDetail {
            id: stage(),
            web_acl_arn: None,
            deployment_id: None,
            cache_cluster_status: None,
            canary: false,
            endpoint_disabled: false,
            tracing: false,
            access_log: Some(log),
            limit: None,
            lowest_of_a_method: None,
        };
        state.apply(Found::Stages { api, result: Ok(vec![detail]) });
        state
    }

    fn asked(state: &mut State) -> Result<f64, String> {
        let (answer, mut told) = oneshot::channel();
        let now = DateTime::UNIX_EPOCH + TimeDelta::hours(3);
        let began = Some(now - TimeDelta::minutes(10));
        take(state, Wish::Reserve { stage: stage(), log: Some(log()), began, answer }, now);
        told.try_recv().unwrap()
    }

    fn scanned(bytes: f64, unanswered: usize) -> Scanned {
        Scanned { bytes, answered: 1, unanswered }
    }

    #[test]
    fn a_lost_answer_gives_nothing_back_and_may_cost_more_than_was_reserved() {
        let spent = |reserved, bytes| {
            let mut state = state(1.0);
            state.logs.costs.by_itself = reserved;
            let settle = Wish::Settle { reserved: Some(reserved), scanned: scanned(bytes, 1) };
            take(&mut state, settle, DateTime::UNIX_EPOCH);
            state.logs.costs.by_itself / state.settings.prices.log_query_dollars_per_gb
        };
        assert!((spent(1.0, 1e6) - 1.0 / Settings::default().prices.log_query_dollars_per_gb).abs() < 1e-9);
        assert!((spent(0.001, 8e9) - 16.0).abs() < 1e-9, "two of eight gigabytes each");
    }

    #[test]
    fn what_is_asked_by_itself_is_in_the_budget_and_in_what_is_shown() {
        let mut state = state(1.0);
        let reserved = asked(&mut state).unwrap();
        // A gigabyte.
        take(&mut state, Wish::Settle { reserved: Some(reserved), scanned: scanned(1e9, 0) }, DateTime::UNIX_EPOCH);
        // Asked by hand: shown, and not in the budget.
        take(&mut state, Wish::Settle { reserved: None, scanned: scanned(2e9, 0) }, DateTime::UNIX_EPOCH);
        let dollars = state.settings.prices.log_query_dollars_per_gb;
        assert!((state.logs.costs.by_itself - dollars).abs() < 1e-9);
        assert!((state.logs.costs.all() - 3.0 * dollars).abs() < 1e-9);
        take(&mut state, Wish::Settle { reserved: Some(0.0), scanned: scanned(100e9, 0) }, DateTime::UNIX_EPOCH);
        let why = asked(&mut state).unwrap_err();
        assert!(why.contains("$1.00 an hour, $0.000 is left"), "{why}");
    }

    #[test]
    fn what_cannot_be_asked_costs_nothing_and_what_is_not_known_yet_is_not_asked() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::hours(3);
        let asked = |state: &mut State, log: Option<AccessLog>| reserve(state, &stage(), log.as_ref(), (None, now));
        let silent = AccessLog { format: "$context.status".into(), ..log() };
        assert_eq!(asked(&mut state(0.0), None), Ok(0.0));
        assert_eq!(asked(&mut state(0.0), Some(silent)), Ok(0.0), "its lines do not say who calls");
        let mut early = State::new(Arc::default(), "eu-central-1");
        assert!(asked(&mut early, Some(log())).is_err(), "its details are not read");
    }

    #[test]
    fn without_a_budget_nothing_is_asked_by_itself() {
        assert!(asked(&mut state(0.0)).unwrap_err().contains("$0.00 an hour"));
    }
}
