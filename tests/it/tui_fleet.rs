//! Several accounts and regions on one screen: whose is whose, and that nothing of one is shown or changed as
//! another's.

use std::sync::Arc;

use chrono::TimeDelta;
use crossterm::event::{KeyCode, KeyModifiers};
use portcullis::model::board::Board;
use portcullis::model::connection::ConnectionId;
use portcullis::model::identity::{AccountRegion, Identity};
use portcullis::tui::{Ask, Effect, Mode, News, Options, Target, Theme, keymap};

use super::tui_fixtures as fixtures;
use super::tui_screens::Console;

const WEST: ConnectionId = ConnectionId(0);
const EAST: ConnectionId = ConnectionId(1);
const NORTH: ConnectionId = ConnectionId(2);

fn console(size: (u16, u16), mode: Mode) -> Console {
    let mut options = Options::new(mode, keymap::load(None).unwrap(), Theme::colour_blind_safe());
    let target = |region: &str| Target {
        name: region.into(),
        words: format!("profile ops, {region}"),
        prefix: format!("{region}:"),
    };
    options.targets = ["eu-west-1", "us-east-1", "eu-north-1"].map(target).into();
    Console::with(options, size)
}

fn of(region: &str, board: Board) -> News {
    let at = AccountRegion::of_aws("111122223333", region);
    let identity = Identity { at, profile: Some("ops".into()), ..fixtures::identity() };
    News::Board(Arc::new(Board { identity: Some(identity), ..board }))
}

/// Calm in the west; the same API under attack in the east; nothing from the north yet.
fn fleet(size: (u16, u16), mode: Mode) -> Console {
    let mut console = console(size, mode);
    console.event(of("eu-west-1", fixtures::calm()).from(WEST));
    console.event(of("us-east-1", fixtures::attack()).from(EAST));
    console
}

fn tab(console: &mut Console) {
    console.code(KeyCode::Tab, KeyModifiers::NONE);
}

fn header(console: &Console) -> String {
    console.text().lines().next().unwrap().to_owned()
}

fn says(console: &Console, words: &str) {
    let text = console.text();
    assert!(text.contains(words), "“{words}” is not in\n{text}");
}

#[test]
fn every_row_says_whose_it_is() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let mut console = fleet(size, Mode::ReadOnly);
        insta::assert_snapshot!(format!("fleet_{}x{}", size.0, size.1), console.text());
        let mut hanging = fixtures::calm();
        hanging.polling.trouble = Some("GetMetricData: no answer in time".into());
        hanging.polling.read_at = Some(fixtures::ago(7));
        console.event(of("eu-north-1", hanging).from(NORTH));
        console.event(News::Clock { account: fixtures::now() + TimeDelta::minutes(1), rate: 1.0 }.from(NORTH));
        insta::assert_snapshot!(format!("fleet_one_hangs_{}x{}", size.0, size.1), console.text());
    }
}

#[test]
fn the_header_is_that_of_the_row_and_moves_with_it() {
    let mut console = fleet((120, 40), Mode::ReadOnly);
    assert!(header(&console).contains("111122223333 us-east-1"), "the attack is in the east: {}", header(&console));
    tab(&mut console);
    says(&console, "eu-north-1 has no row here");
    console.keys("/eu-west shop/prod").enter();
    assert!(header(&console).contains("111122223333 eu-west-1"), "{}", header(&console));
    console.enter();
    assert!(header(&console).contains("eu-west-1"), "{}", header(&console));
    console.keys("s");
    assert!(matches!(console.effects.last(), Some(Effect::To(WEST, Ask::LoadSources(_)))), "{:?}", console.effects);
    says(&console, "SOURCES of eu-west-1:shop/prod");
    // The same stage of the other account answers: it is not what was asked for.
    let (stage, result) = (fixtures::stage("shop", "prod"), Ok(Arc::new(fixtures::sources())));
    console.event(News::Sources { stage: stage.clone(), result }.from(EAST));
    says(&console, "Reading WAF's samples");
    console.event(News::Sources { stage, result: Ok(Arc::new(fixtures::sources())) }.from(WEST));
    says(&console, "203.0.113.1");
}

#[test]
fn a_plan_of_one_account_is_never_shown_for_another() {
    let mut console = fleet((120, 40), Mode::Armed);
    console.event(of("eu-north-1", fixtures::calm()).from(NORTH));
    console.keys("f");
    let Some(Effect::To(EAST, Ask::Plan { request, .. })) = console.effects.last().cloned() else {
        panic!("{:?}", console.effects)
    };
    // From another connection, with the right number.
    console.event(News::Plan { request, result: Ok(Box::new(fixtures::plan_pass())) }.from(WEST));
    says(&console, "reading the account for this plan");
    // From the right connection, but of another account.
    console.event(News::Plan { request, result: Ok(Box::new(fixtures::plan_pass())) }.from(EAST));
    says(&console, "111122223333 eu-west-1, which is not the account on the screen");
    console.enter();
    says(&console, "there is no plan to confirm");
    console.keys("r");
    let mut plan = fixtures::plan_pass();
    plan.identity.at.region = "us-east-1".into();
    let request = console.last_request();
    console.event(News::Plan { request, result: Ok(Box::new(plan)) }.from(EAST));
    console.enter().keys("shop/prod 7f3a").enter();
    assert!(
        matches!(console.effects.last(), Some(Effect::To(EAST, Ask::Apply { .. }))),
        "{:?}",
        console.effects.last()
    );
    // What another connection says does not end it, and is said with its name.
    console.event(News::Finished { result: Ok(Box::new(fixtures::finished())) }.from(WEST));
    says(&console, "BEING CARRIED OUT");
    says(&console, "eu-west-1: a-0001: done and read back");
    console.event(News::Finished { result: Ok(Box::new(fixtures::finished())) }.from(EAST));
    says(&console, "done and read back");
}

#[test]
fn a_second_name_of_an_account_is_said_and_cannot_confirm() {
    let mut console = fleet((160, 40), Mode::Armed);
    console.event(of("us-east-1", fixtures::attack()).from(NORTH));
    console.event(News::SameAs(EAST).from(NORTH));
    says(&console, "eu-north-1 is the same account and region as us-east-1");
    says(&console, "1 ATTACK");
    console.keys("/north shop/prod").enter().keys("f");
    says(&console, "same as us-east-1, which alone changes it");
    let mut plan = fixtures::plan_pass();
    plan.identity.at.region = "us-east-1".into();
    let request = console.last_request();
    console.event(News::Plan { request, result: Ok(Box::new(plan)) }.from(NORTH));
    console.enter();
    says(&console, "us-east-1 is the same account and region: plan it there");
    assert!(!console.effects.iter().any(|e| matches!(e.ask(), Some(Ask::ConfirmationOpen(_)))));
}

#[test]
fn what_is_in_force_is_counted_everywhere_and_shown_where_it_is() {
    let mut console = fleet((120, 40), Mode::Armed);
    console.event(News::Timeline(Arc::new(fixtures::timeline())).from(WEST));
    says(&console, "in force: block-ip eu-west-1:shop/prod");
    console.keys("t");
    says(&console, "TIMELINE of us-east-1: no incident is open");
    tab(&mut console);
    tab(&mut console);
    says(&console, "TIMELINE of eu-west-1 2026-03-14-7f3: 1 in force");
    assert!(header(&console).contains("eu-west-1"), "{}", header(&console));
    console.keys("ju");
    assert!(matches!(console.effects.last(), Some(Effect::To(WEST, Ask::PlanUndo { .. }))), "{:?}", console.effects);
    console.esc().keys("n").keys("paged them").enter();
    assert_eq!(console.effects.last(), Some(&Effect::To(WEST, Ask::Note("paged them".into()))));
}

#[test]
fn search_ranks_over_all_accounts_and_a_pin_stays_on_top() {
    let mut console = fleet((120, 40), Mode::ReadOnly);
    let first = |console: &Console| {
        let text = console.text();
        text.lines().find(|line| line.starts_with('▸')).unwrap_or_default().to_owned()
    };
    console.keys("/shdev");
    says(&console, "2 shown");
    assert!(first(&console).contains("shop/dev"), "{}", first(&console));
    console.esc();
    assert!(first(&console).contains("ATTACK"), "{}", first(&console));
    console.keys("/east bill").enter();
    assert!(first(&console).contains("us-east-1") && first(&console).contains("billing/prod"), "{}", first(&console));
    console.keys(" ").esc();
    says(&console, "*billing/prod");
    let rows: Vec<String> = console.text().lines().skip(2).map(str::to_owned).collect();
    let place = |words: &str| rows.iter().position(|row| row.contains(words)).unwrap();
    assert!(place("*billing/prod") < place("ATTACK     us-east-1"), "{rows:#?}");
    console.keys(" ");
    says(&console, "us-east-1:billing/prod is no longer pinned");
}

#[test]
fn a_stage_that_is_deleted_while_selected_leaves_nothing_selected() {
    let mut console = Console::armed((120, 40));
    console.board(fixtures::attack()).keys("jj");
    says(&console, "partners/v2");
    let mut board = fixtures::attack();
    board.stages.retain(|row| row.id.api_name != "partners");
    console.board(board.clone());
    says(&console, "GONE    is no longer on the board at 03:02:10Z");
    assert!(console.state.selected().is_none());
    console.keys("l");
    says(&console, "partners/v2 is no longer on the board; move to another stage first");
    assert!(console.effects.is_empty(), "{:?}", console.effects);
    insta::assert_snapshot!("gone_120x40", console.text());
    // It comes back, and so does the cursor.
    console.board(fixtures::attack());
    assert_eq!(console.state.selected().map(|row| row.id.label()).as_deref(), Some("partners/v2"));
    console.board(board).keys("a");
    assert_eq!(console.state.selected().map(|row| row.id.label()).as_deref(), Some("shop/prod"));
}

/// Seven profiles that cannot be reached beside one that can.
fn eight() -> Console {
    let mut options = Options::new(Mode::ReadOnly, keymap::load(None).unwrap(), Theme::colour_blind_safe());
    let target = |n: usize| Target {
        name: format!("team-{n}"),
        words: format!("profile team-{n}"),
        prefix: format!("team-{n}/"),
    };
    options.targets = (0..8).map(target).collect();
    let mut console = Console::with(options, (120, 40));
    console.event(of("eu-west-1", fixtures::calm()).from(ConnectionId(0)));
    for n in 1..8 {
        let mut board = Board::empty(fixtures::now());
        board.polling.trouble = Some(format!("no AWS credentials for profile team-{n}: run aws sso login"));
        console.event(News::Board(Arc::new(board)).from(ConnectionId(n)));
    }
    console
}

#[test]
fn each_account_that_cannot_be_reached_has_a_row_and_is_found() {
    let mut console = eight();
    insta::assert_snapshot!("fleet_seven_not_reached", console.text());
    for n in 1..8 {
        says(&console, &format!("no figures: no AWS credentials for profile team-{n}"));
    }
    console.keys("/team-6").enter();
    says(&console, "it could not be read: this is not an empty account");
    says(&console, "no AWS credentials for profile team-6: run aws sso login");
    assert!(!console.text().contains("profile team-5"), "{}", console.text());
    assert!(header(&console).contains("team-6"), "{}", header(&console));
    // Nothing can be done there, and the cursor stays when a board comes.
    console.keys("s");
    console.code(KeyCode::Esc, KeyModifiers::NONE);
    console.code(KeyCode::Down, KeyModifiers::NONE);
    let at = header(&console);
    console.event(of("eu-west-1", fixtures::calm()).from(ConnectionId(0)));
    assert_eq!(header(&console), at);
}
