//! What is read off the screen: the cursor, filters and sorting, what is old or cannot be read, and text from
//! attackers.

use crossterm::event::{KeyCode, KeyModifiers};
use portcullis::model::connection::ConnectionId;
use portcullis::tui::{Ask, Effect, Mode, News, Target, Theme, picture};

use super::tui_fixtures as fixtures;
use super::tui_flows::{SIZE, says, unsays};
use super::tui_screens::{Console, SIZES};

#[test]
fn the_cursor_follows_the_worst_until_it_is_moved() {
    let selected = |console: &Console| console.state.selected().map(|r| r.id.label());
    let mut console = Console::armed(SIZE);
    console.board(fixtures::calm());
    assert_eq!(selected(&console).as_deref(), Some("billing/prod"));
    console.board(fixtures::attack());
    assert_eq!(selected(&console).as_deref(), Some("shop/prod"));
    console.keys("jj").board(fixtures::calm());
    assert_eq!(selected(&console).as_deref(), Some("partners/v2"));
    console.board(fixtures::attack());
    assert_eq!(selected(&console).as_deref(), Some("partners/v2"));
    console.keys("a");
    assert_eq!(selected(&console).as_deref(), Some("shop/prod"));
}

#[test]
fn a_filter_works_while_it_is_typed_and_esc_takes_it_back() {
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("/bill");
    says(&console, "1 shown");
    unsays(&console, "partners/v2");
    console.esc();
    says(&console, "partners/v2");
    console.keys("/nothing").enter();
    says(&console, "None of 5 stages matches “nothing”");
    console.keys("s");
    says(&console, "no stage matches the filter");
    console.esc();
    says(&console, "shop/prod");
}

#[test]
fn sorting_puts_the_unknown_last_and_says_what_it_did() {
    let mut console = Console::armed(SIZE);
    console.board(fixtures::unknowns()).keys("o");
    says(&console, "sorted by requests");
    let text = console.text();
    let place = |name: &str| text.find(name).unwrap();
    assert!(place("billing/prod") < place("shop/prod"));
}

#[test]
fn a_key_that_does_nothing_here_says_why() {
    let mut console = Console::armed(SIZE);
    console.keys("s");
    says(&console, "no stage is known yet");
    console.board(fixtures::attack()).keys("A");
    says(&console, "not available here; in who is sending what this key means “mark-all”");
    console.keys("s").keys("b");
    says(&console, "once the sources are there: block");
    console.keys("t").keys("u");
    says(&console, "choose an action");
    console.keys("x");
    says(&console, "nothing to export");
}

#[test]
fn sources_that_cannot_be_read_say_so_and_old_ones_stay() {
    let id = fixtures::stage("shop", "prod");
    let failed = |console: &mut Console, why: &str| {
        console.event(
            News::Sources { stage: fixtures::stage("shop", "prod"), result: Err(why.into()) }.from(ConnectionId::FIRST),
        );
    };
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("s");
    failed(&mut console, "AccessDenied on wafv2:GetSampledRequests");
    says(&console, "AccessDenied on wafv2:GetSampledRequests");
    console.keys("r").sources(fixtures::sources()).keys("jj ");
    console.keys("r");
    says(&console, "reading again");
    failed(&mut console, "throttled");
    says(&console, "not read again: throttled");
    says(&console, "[x] 203.0.113.3");
    // A slow answer for another stage does not land here.
    console.event(
        News::Sources { stage: fixtures::stage("billing", "prod"), result: Err("late".into()) }
            .from(ConnectionId::FIRST),
    );
    unsays(&console, "late");
    assert!(console.effects.iter().all(|e| *e == Effect::To(ConnectionId::FIRST, Ask::LoadSources(id.clone()))));
}

#[test]
fn stale_figures_say_so_and_are_faint() {
    let faint = |console: &Console| {
        let buffer = console.buffer();
        let line = (0..buffer.area.height)
            .find(|y| (0..30).map(|x| buffer[(x, *y)].symbol()).collect::<String>().contains("billing/prod"))
            .unwrap();
        Some(buffer[(14, line)].fg) == Theme::colour_blind_safe().stale.fg
    };
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack());
    unsays(&console, "STALE");
    assert!(!faint(&console));
    console.event(
        News::Clock { account: fixtures::now() + chrono::TimeDelta::minutes(5), rate: 1.0 }.from(ConnectionId::FIRST),
    );
    says(&console, "STALE 5m");
    assert!(faint(&console));
    console.board(fixtures::attack());
    says(&console, "STALE 5m");
}

#[test]
fn the_accounts_time_counts_though_it_lies_behind_this_machines() {
    let mut console = Console::armed(SIZE);
    console.board(portcullis::model::board::Board::empty(fixtures::now() + chrono::TimeDelta::days(200)));
    console.board(fixtures::attack()).timeline(fixtures::timeline());
    unsays(&console, "STALE");
}

#[test]
fn a_clock_that_changes_nothing_on_the_screen_draws_nothing() {
    let tick = |console: &mut Console, seconds: i64| {
        console.state.take_changed();
        console.event(
            News::Clock { account: fixtures::now() + chrono::TimeDelta::seconds(seconds), rate: 1.0 }
                .from(ConnectionId::FIRST),
        );
        console.state.take_changed()
    };
    let mut console = Console::armed(SIZE);
    console.board(fixtures::calm());
    assert!(!tick(&mut console, 1));
    assert!(!tick(&mut console, 61), "no age is shown, so a minute changes nothing");
    console.timeline(fixtures::timeline());
    assert!(!tick(&mut console, 62), "still the same minute");
    assert!(tick(&mut console, 122), "the incident's clock turns");
    assert!(tick(&mut console, 242), "and the figures have become stale");
}

#[test]
fn attackers_strings_reach_the_buffer_harmless() {
    for size in SIZES {
        let mut console = Console::armed(size);
        let mut boards = vec![console.board(fixtures::hostile_board()).buffer()];
        boards.push(console.enter().buffer());
        console.esc().keys("s").sources(fixtures::hostile_sources());
        boards.push(console.buffer());
        let mut plan = fixtures::plan_warn();
        for text in [&mut plan.summary, &mut plan.undo, &mut plan.stage.api_name] {
            *text = fixtures::HOSTILE.into();
        }
        plan.notes = vec![fixtures::HOSTILE.into()];
        plan.changes[0].added = vec![fixtures::HOSTILE.into()];
        plan.changes[0].resource.name = fixtures::HOSTILE.into();
        plan.guards[0].reason = fixtures::HOSTILE.into();
        plan.guards[0].evidence = vec![fixtures::HOSTILE.into()];
        plan.calls[0].parameters = vec![(fixtures::HOSTILE.into(), fixtures::HOSTILE.into())];
        console.keys("ab").enter().plan(plan);
        boards.push(console.buffer());
        boards.push(console.enter().buffer());
        console.esc();
        let mut timeline = fixtures::timeline();
        let mut entries = timeline.entries.to_vec();
        for entry in &mut entries {
            entry.title = fixtures::HOSTILE.into();
            entry.kind = fixtures::HOSTILE.into();
            entry.actor.user = fixtures::HOSTILE.into();
            entry.detail = vec![fixtures::HOSTILE.into()];
        }
        timeline.entries = entries.into();
        timeline.incident = Some(fixtures::HOSTILE.into());
        console.timeline(timeline).keys("tG");
        boards.push(console.buffer());
        console.event(News::Exported { result: Err(fixtures::HOSTILE.into()) }.from(ConnectionId::FIRST));
        boards.push(console.buffer());
        for buffer in boards {
            let text: String = buffer.content().iter().map(ratatui::buffer::Cell::symbol).collect();
            assert!(text.contains("\\x1b"), "the string is there, made visible");
            let bad = text.chars().find(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}'));
            assert_eq!(bad, None);
        }
    }
}

#[test]
fn without_colour_every_mark_is_still_there() {
    let mut options =
        portcullis::tui::Options::new(Mode::Armed, portcullis::tui::keymap::load(None).unwrap(), Theme::plain());
    options.targets = vec![Target::only("profile ops")];
    let mut console = Console::armed(SIZE);
    console.state = portcullis::tui::State::new(options, SIZE);
    console.board(fixtures::trouble());
    for words in ["ARMED", "ATTACK", "STALE 4m", "TROUBLE", "▸"] {
        says(&console, words);
    }
    let buffer = console.buffer();
    let coloured =
        |c: &ratatui::buffer::Cell| c.fg != ratatui::style::Color::Reset || c.bg != ratatui::style::Color::Reset;
    assert!(!buffer.content().iter().any(coloured));
}

#[test]
fn a_thousand_stages_are_scrolled_to_the_last() {
    let mut console = Console::armed((200, 60));
    console.board(fixtures::crowd()).keys("G");
    says(&console, "▸ ·          service-999/prod");
    console.keys("g");
    says(&console, "▸ ATTACK     service-003/prod");
    console.code(KeyCode::PageDown, KeyModifiers::NONE);
    let selected = console.state.selected().map(|r| r.id.label());
    assert_eq!(selected.as_deref(), Some("service-543/prod"));
}

#[test]
fn the_screen_can_be_had_as_a_picture() {
    let mut console = Console::armed((80, 24));
    console.board(fixtures::attack());
    let svg = picture::svg(&console.buffer());
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    assert!(svg.contains(">ARMED\u{a0}</text>"));
    assert_eq!(svg, picture::svg(&console.buffer()));
}
