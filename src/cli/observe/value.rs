//! The board as JSON.

use crate::aws::{AwsError, Connection};
use crate::cli::shape::board::{
    AccountLimit, BoardHead, BoardRest, BoardShape, Boards, ConditionShape, ConnectionRead, ConnectionShape,
    ConnectionUnread, CostShape, LimitShape, PacesShape, PollingShape, PricesShape, SettingWithoutStage, SignalShape,
    Snapshot, StageOfAccount, StageShape, TotalCost, UnreadBoard, UsualsShape, WorstMethodShape,
};
use crate::cli::shape::figure::{Told, time};
use crate::model::board::{AccountGauge, Board, Known, Polling, StageRow};
use crate::model::condition::Condition;
use crate::model::cost::{Burn, CostOf};
use crate::model::limits::WinningLimit;
use crate::model::settings::Settings;
use crate::model::signal::Signal;
use crate::model::stage_report::why;
use crate::model::usual::{UsualOf, Usuals};

/// One connection's board.
pub(super) fn one(connection: &Connection, board: &Board, settings: &Settings) -> Snapshot {
    let (head, stages, rest) = parts(connection, board, settings);
    Snapshot::One(Box::new(BoardShape { head, stages, rest }))
}

/// A connection that could not be read, beside others.
pub(super) fn unread(connection: &Connection, error: &AwsError) -> Snapshot {
    Snapshot::Unread(UnreadBoard { connection: not_read(connection, error), stages: Vec::new() })
}

/// Several connections in one object: all stages in one list, each with its own account and region, and the rest by
/// connection.
pub(super) fn together<'a>(
    read: impl Iterator<Item = (&'a Connection, &'a Result<Board, AwsError>)>,
    settings: &Settings,
) -> Snapshot {
    let mut boards = Boards { complete: true, stages: Vec::new(), connections: Vec::new() };
    for (connection, read) in read {
        boards.connections.push(match read {
            Ok(board) => {
                let (head, stages, rest) = parts(connection, board, settings);
                boards.complete &= head.complete;
                boards.stages.extend(stages);
                ConnectionShape::Read(Box::new(ConnectionRead { head, rest }))
            }
            Err(error) => {
                boards.complete = false;
                ConnectionShape::Unread(not_read(connection, error))
            }
        });
    }
    Snapshot::Several(boards)
}

fn not_read(connection: &Connection, error: &AwsError) -> ConnectionUnread {
    ConnectionUnread {
        profile: connection.profile.clone(),
        region: connection.region.clone(),
        error: error.to_string(),
        complete: false,
    }
}

fn parts(connection: &Connection, board: &Board, settings: &Settings) -> (BoardHead, Vec<StageOfAccount>, BoardRest) {
    let identity = board.identity.as_ref();
    let (profile, account, region) = (
        connection.profile.clone(),
        identity.map(|identity| identity.at.account.clone()),
        identity.map(|identity| identity.at.region.clone()),
    );
    let identified = |row: &StageRow| StageOfAccount {
        profile: profile.clone(),
        account: account.clone(),
        region: region.clone(),
        row: stage(row),
    };
    let stages = board.stages.iter().map(identified).collect();
    let lacks = board.polling.lacks.clone();
    let without = board.polling.unmatched.iter();
    let rest = BoardRest {
        account_limit: account_limit(&board.account),
        settings_without_stage: without
            .map(|(key, stage)| SettingWithoutStage { key: (*key).to_owned(), stage: stage.clone() })
            .collect(),
        cost: total(board),
        prices: PricesShape { currency: "USD".to_owned(), source: settings.prices.source.clone() },
        polling: polling(&board.polling),
    };
    let head = BoardHead {
        profile,
        account,
        region,
        endpoint: identity.and_then(|identity| identity.endpoint.clone()),
        at: time(board.at),
        account_seconds_per_second: board.rate,
        complete: lacks.is_none(),
        lacks,
    };
    (head, stages, rest)
}

fn polling(polling: &Polling) -> PollingShape {
    let [close, usual, idle] = polling.paces;
    PollingShape {
        metrics: polling.metrics,
        calls: polling.calls,
        dollars_per_hour_estimate: polling.dollars_per_hour,
        budget_dollars_per_hour: polling.budget_dollars_per_hour,
        log_query_dollars_estimate: polling.log_dollars,
        log_budget_dollars_per_hour: polling.log_budget_dollars_per_hour,
        paces: PacesShape { close, usual, idle },
        slowed: polling.slowed.clone(),
        details_read: polling.details.0,
        details_of: polling.details.1,
        read_at: polling.read_at.map(time),
        trouble: polling.trouble.clone(),
    }
}

/// A row of the board.
pub(in crate::cli) fn stage(row: &StageRow) -> StageShape {
    let mut told = Told::default();
    let f = &row.figures;
    let mut shape = StageShape {
        stage: row.id.label(),
        api_id: row.id.api_id.clone(),
        kind: row.kind,
        web_acl: if let Known::Yes(name) = &row.web_acl { name.clone() } else { None },
        requests_per_second: told.put("requests_per_second", &f.requests_per_second),
        client_error_share: told.put("client_error_share", &f.client_error_share),
        client_error_share_from_blocks: told.put("client_error_share_from_blocks", &f.client_error_share_from_blocks),
        server_error_share: told.put("server_error_share", &f.server_error_share),
        latency_p50_ms: told.put("latency_p50_ms", &f.latency_p50_ms),
        latency_p99_ms: told.put("latency_p99_ms", &f.latency_p99_ms),
        waf_allowed_per_second: told.put("waf_allowed_per_second", &f.waf_allowed_per_second),
        waf_blocked_per_second: told.put("waf_blocked_per_second", &f.waf_blocked_per_second),
        waf_counted_per_second: told.put("waf_counted_per_second", &f.waf_counted_per_second),
        throttled_per_second: told.put("throttled_per_second", &f.throttled_per_second),
        integration_latency_p99_ms: told.put("integration_latency_p99_ms", &f.integration_latency_p99_ms),
        cache_hit_share: told.put("cache_hit_share", &f.cache_hit_share),
        limit_used_share: told.put("limit_used_share", &f.limit_used_share),
        unknown: told.unknown,
        origin: told.origin,
        limit: row.limit.as_ref().map(limit),
        cost: burn(&row.burn),
        usuals: row.usuals.as_ref().map(usuals),
        condition: condition(&row.condition),
        signals: row.signals.iter().map(signal).collect(),
        not_judged: row.not_judged.clone(),
        ended_signals: row.ended.iter().map(signal).collect(),
        warnings: row.warnings.clone(),
    };
    if let Some(reason) = why(&row.web_acl) {
        shape.unknown.put("web_acl", reason.to_owned());
    }
    shape
}

/// A signal, with what is known of it: whether it stands, is over, or could not be judged lately.
fn signal(signal: &Signal) -> SignalShape {
    SignalShape { signal: signal.clone(), state: signal.state() }
}

fn limit(winning: &WinningLimit) -> LimitShape {
    LimitShape { of: winning.of, requests_per_second: winning.limit.rate, burst_requests: winning.limit.burst }
}

fn account_limit(gauge: &AccountGauge) -> AccountLimit {
    let mut told = Told::default();
    let mut shape = AccountLimit {
        limit_requests_per_second: if let Known::Yes(limit) = &gauge.limit { Some(limit.rate) } else { None },
        requests_per_second: told.put("requests_per_second", &gauge.requests_per_second),
        used_share: told.put("used_share", &gauge.used_share),
        unknown: told.unknown,
        origin: told.origin,
    };
    if let Some(reason) = why(&gauge.limit) {
        shape.unknown.put("limit_requests_per_second", reason.to_owned());
    }
    shape
}

/// What all stages together cost, and of how many of those that are called that is known.
fn total(board: &Board) -> TotalCost {
    let (stages, stages_called) = board.costs_told();
    TotalCost { cost: burn(&board.burn), stages, stages_called }
}

/// Estimates all of them: `unknown` beside them has what is left out of the sum.
fn burn(burn: &Burn) -> CostShape {
    let mut told = Told::default();
    let part = |of: CostOf| &burn.parts_per_hour[of.index()];
    let since = burn.since.as_ref();
    CostShape {
        attack_began: since.map(|(began, _)| time(*began)),
        dollars_per_hour_estimate: told.put("dollars_per_hour_estimate", &burn.per_hour),
        api_gateway_dollars_per_hour_estimate: told
            .put("api_gateway_dollars_per_hour_estimate", part(CostOf::ApiGateway)),
        waf_dollars_per_hour_estimate: told.put("waf_dollars_per_hour_estimate", part(CostOf::Waf)),
        lambda_dollars_per_hour_estimate: told.put("lambda_dollars_per_hour_estimate", part(CostOf::Lambda)),
        logs_dollars_per_hour_estimate: told.put("logs_dollars_per_hour_estimate", part(CostOf::Logs)),
        usual_dollars_per_hour_estimate: told.put("usual_dollars_per_hour_estimate", &burn.usual_per_hour),
        attack_dollars_estimate: since.map(|(_, dollars)| told.put("attack_dollars_estimate", dollars)),
        unknown: told.unknown,
    }
}

/// How a stage stands, and whether customers are served.
pub(in crate::cli) fn condition(condition: &Condition) -> ConditionShape {
    let mut told = Told::default();
    let worst = condition.worst.as_ref().map(|one| WorstMethodShape {
        method: one.method.clone(),
        answered_share: one.answered,
        usual_share: one.usually,
        of_callers_of_before: one.of_callers,
    });
    ConditionShape {
        state: condition.state,
        sureness: condition.sureness,
        since: condition.since.map(time),
        last_known: condition.last_known,
        served_by: condition.served_by,
        slow: condition.is_slow(),
        attackers_answered_since: condition.attackers_total_since.map(time),
        worst_method: worst,
        followers: condition.followers,
        evidence: condition.evidence.clone(),
        measures: condition.measures.clone(),
        served_share: told.put("served_share", &condition.served),
        latency_p50_of_usual: told.put("latency_p50_of_usual", &condition.latency_of_usual),
        attackers_answered_per_second: told.put("attackers_answered_per_second", &condition.attackers_answered),
        attackers_answered_requests_at_least: told
            .put("attackers_answered_requests_at_least", &condition.attackers_total),
        unknown: told.unknown,
        origin: told.origin,
    }
}

/// What is usual while an attack stands, and what that rests on.
fn usuals(usuals: &Usuals) -> UsualsShape {
    let mut told = Told::default();
    let mut put = |name, of| told.put(name, usuals.figure(of));
    UsualsShape {
        attack_began: time(usuals.began),
        from: usuals.from,
        requests_per_minute: put("requests_per_minute", UsualOf::Requests),
        answers_per_minute: put("answers_per_minute", UsualOf::Answers),
        latency_p50_ms: put("latency_p50_ms", UsualOf::MedianLatency),
        latency_p99_ms: put("latency_p99_ms", UsualOf::Latency),
        integration_latency_p99_ms: put("integration_latency_p99_ms", UsualOf::IntegrationLatency),
        waf_blocked_per_minute: put("waf_blocked_per_minute", UsualOf::Blocked),
        cache_hit_share: put("cache_hit_share", UsualOf::CacheHits),
        dollars_per_minute_estimate: put("dollars_per_minute_estimate", UsualOf::Cost),
        unknown: told.unknown,
    }
}
