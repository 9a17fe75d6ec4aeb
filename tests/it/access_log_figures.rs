//! Figures out of access logs in formats that cannot be split at their separators, against the range's own books: on
//! the board and among the sources.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chrono::TimeDelta;
use portcullis::model::belief::Beliefs;
use portcullis::model::figure::Origin;
use portcullis::model::settings::Settings;
use portcullis::model::source::Sources;
use portcullis::model::top_list::TopOf;
use portcullis::watch::read_board;
use portcullis_range::Range;

use crate::respond_http::{PETS, PETS_FLOOD};
use crate::watch_sources::{found, try_found};
use crate::world::{World, of_range};

/// `requestTime` holds a space.
const SPACED: &str = "$context.requestId $context.requestTime $context.identity.sourceIp $context.httpMethod $context.resourcePath \
                      $context.status $context.responseLength";

/// `routeKey` holds one as well.
const ROUTED: &str = r#"$context.identity.sourceIp [$context.requestTime] \"$context.httpMethod $context.routeKey $context.protocol\" $context.status $context.responseLength $context.requestId"#;

/// Nothing tells where the path ends and the status begins.
const OPEN: &str = "$context.requestId $context.path$context.status$context.identity.userAgent $context.apiId";

/// Nobody calls but these.
fn sent(world: &World, found: &Sources, label: &str) -> f64 {
    let log = found.log.as_ref().unwrap();
    let at = |n| log.from + TimeDelta::minutes(n);
    let minutes = (log.to - log.from).num_minutes();
    (0..minutes).map(|n| world.range.with(|range| range.truth().stage(label, at(n)).requests)).sum::<u64>() as f64
}

/// The pets of an HTTP API, flooded by callers of a user agent, with an access log in `format`, and few requests let
/// through.
fn pets(format: &str, agent: &str) -> Range {
    let throttle = "throttle = { rate = 200, burst = 300 }";
    let log = format!(r#"{throttle}, access_log = {{ group = "pets", format = "{format}" }}"#);
    let text = format!("{}{PETS_FLOOD}user_agents = ['{agent}']\n", PETS.replace(throttle, &log));
    let mut range = Range::from_scenario(&text, None).unwrap();
    let account = range.account_mut();
    account.edit_http_stage("pets000001", "live", |stage| stage.default_settings.rate = Some(60.0)).unwrap();
    range
}

/// The throttled requests on the board against those of the books.
async fn throttled_are_right(world: &World, label: &str) {
    let board = read_board(&world.aws, &Settings::default(), &Beliefs::default()).await.unwrap();
    let row = board.stages.iter().find(|row| row.id.label() == label).unwrap();
    let figure = &row.figures.throttled_per_second;
    let reading = figure.reading().unwrap_or_else(|| panic!("{figure:?}"));
    let minute = reading.at - TimeDelta::minutes(1);
    let truth = world.range.with(|range| range.truth().stage(label, minute)).throttled as f64 / 60.0;
    assert!((reading.value - truth).abs() <= 0.02 * truth, "{} on the board, {truth} in truth", reading.value);
    assert!(truth > 10.0, "{truth}");
    assert_eq!(reading.origin, Origin::AccessLog);
}

#[tokio::test(start_paused = true)]
async fn a_time_with_a_space_in_it_shifts_nothing_on_the_board_and_among_the_sources() {
    let text = include_str!("../../drills/credential-stuffing.toml");
    let text = crate::watch_truth::with_logs(text, Some(SPACED));
    let mut range = Range::from_scenario(&text, None).unwrap();
    let account = range.account_mut();
    let apis: Vec<String> = account.gateway.apis.keys().cloned().collect();
    for api in apis {
        account.edit_stage(&api, "prod", |stage| {
            let setting = stage.method_settings.entry("*/*".to_owned());
            let setting = setting.or_insert_with(portcullis_range::state::MethodSetting::fresh);
            (setting.throttling_rate_limit, setting.throttling_burst_limit) = (100.0, 10);
        });
    }
    let world = of_range(range, 1.0).await;
    world.pass(540).await;
    throttled_are_right(&world, "accounts/prod").await;
    let found = found(&world, "accounts/prod", &world.settings).await;
    let log = found.log.as_ref().unwrap();
    assert!(log.addresses > 100 && log.listed_share > 0.999, "{log:#?}");
    let truth = sent(&world, &found, "accounts/prod");
    assert!((log.requests as f64 - truth).abs() <= 0.02 * truth, "{} of {truth}", log.requests);
    let asked = found.top.iter().find(|list| list.of == TopOf::Requests).unwrap();
    assert_eq!(asked.rows[0].name, "POST /login");
    let statuses = found.top.iter().find(|list| list.of == TopOf::Statuses).unwrap();
    assert!(statuses.rows.iter().any(|row| row.name == "429" && row.share > 0.2), "{statuses:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_route_with_a_space_in_it_is_read_whole_on_the_board_and_among_the_sources() {
    let world = of_range(pets(ROUTED, "curl/8"), 1.0).await;
    world.pass(420).await;
    throttled_are_right(&world, "pets/live").await;
    let found = found(&world, "pets/live", &world.settings).await;
    let log = found.log.as_ref().unwrap();
    assert_eq!((log.addresses, log.listed_share > 0.999), (8, true), "{log:#?}");
    let asked = found.top.iter().find(|list| list.of == TopOf::Requests).unwrap();
    let names: Vec<&str> = asked.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["GET /pets", "POST /pets/{id}"]);
}

#[tokio::test(start_paused = true)]
async fn a_format_that_callers_can_read_into_is_unknown_and_says_what_to_move() {
    let world = of_range(pets(OPEN, "curl/8"), 1.0).await;
    world.pass(420).await;
    let board = read_board(&world.aws, &Settings::default(), &Beliefs::default()).await.unwrap();
    let reason = board.stages[0].figures.throttled_per_second.reason().unwrap().to_owned();
    assert!(reason.contains("$context.path, which may hold anything, before $context.status"), "{reason}");
    assert!(reason.contains("move $context.status to the front"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn lines_that_callers_broke_make_the_figure_unknown_and_not_less() {
    let format = r#"{\"id\":\"$context.requestId\",\"path\":\"$context.path\",\"status\":\"$context.status\",\"ip\":\"$context.identity.sourceIp\",\"agent\":\"$context.identity.userAgent\"}"#;
    // The botnet writes what the rest of a line looks like.
    let agent = r#"x","status":"200","ip":"192.0.2.1","agent":"y"#;
    let mut range = pets(format, agent);
    range.account_mut().logs.escape_values = false;
    let world = of_range(range, 1.0).await;
    world.pass(420).await;
    let board = read_board(&world.aws, &Settings::default(), &Beliefs::default()).await.unwrap();
    let reason = board.stages[0].figures.throttled_per_second.reason().unwrap().to_owned();
    assert!(reason.contains("do not tell who was throttled") && reason.contains("$context.path"), "{reason}");
    let why = try_found(&world, "pets/live", &world.settings).await.unwrap_err().to_string();
    assert!(why.contains("of its lines do not say who calls"), "{why}");
    // Escaped, as users report that API Gateway does, the same lines tell everything.
    let world = of_range(pets(format, agent), 1.0).await;
    world.pass(420).await;
    throttled_are_right(&world, "pets/live").await;
}
