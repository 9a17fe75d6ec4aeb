//! Board, stage and sources in the four states that there are: calm, under attack, not known, failing. The attack is in
//! `tui_screens`.

use crossterm::event::{KeyCode, KeyModifiers};
use portcullis::model::connection::ConnectionId;
use portcullis::tui::{Ask, Effect, Mode, News};

use super::tui_fixtures as fixtures;
use super::tui_screens::Console;

const SIZES: [(u16, u16); 3] = super::tui_screens::SIZES;

fn says(console: &Console, words: &str) {
    let text = console.text();
    assert!(text.contains(words), "“{words}” is not in\n{text}");
}

/// One snapshot a size, and for each a second one of the text's end.
fn snapshots(name: &str, make: impl Fn(&mut Console)) {
    for (columns, lines) in SIZES {
        let mut console = Console::new(Mode::ReadOnly, (columns, lines));
        make(&mut console);
        insta::assert_snapshot!(format!("{name}_{columns}x{lines}"), console.text());
    }
}

#[test]
fn a_calm_stage() {
    snapshots("stage_calm", |console| {
        console.board(fixtures::calm()).keys("G").enter().depth(fixtures::report);
    });
}

#[test]
fn the_end_of_a_stage_under_attack() {
    snapshots("stage_attack_end", |console| {
        console.board(fixtures::attack()).timeline(fixtures::timeline()).enter().depth(fixtures::report);
        console.code(KeyCode::End, KeyModifiers::NONE);
    });
}

#[test]
fn a_stage_of_which_little_is_known() {
    snapshots("stage_unknown", |console| {
        console.board(fixtures::unknowns()).keys("j").enter().depth(fixtures::report_unknown);
        console.code(KeyCode::End, KeyModifiers::NONE);
    });
}

#[test]
fn a_stage_whose_figures_fail() {
    snapshots("stage_failing", |console| {
        console.board(fixtures::trouble()).enter();
    });
}

#[test]
fn a_stage_of_an_http_api() {
    snapshots("board_http", |console| {
        console.board(fixtures::http());
    });
    snapshots("stage_http", |console| {
        console.board(fixtures::http()).enter().depth(fixtures::report_http);
    });
}

#[test]
fn sources_of_a_calm_stage() {
    snapshots("sources_calm", |console| {
        console.board(fixtures::calm()).keys("G").keys("s");
        let mut sources = fixtures::sources();
        sources.sources.retain(|source| source.against.is_empty());
        console.sources(sources);
    });
}

#[test]
fn what_the_requests_of_an_attack_have_in_common() {
    let opened = |console: &mut Console| {
        console.board(fixtures::attack()).keys("s").sources(fixtures::limited_sources());
        console.code(KeyCode::Tab, KeyModifiers::NONE);
    };
    snapshots("sources_prefixes", |console| {
        opened(console);
        console.keys(" ");
    });
    snapshots("sources_countries", |console| {
        opened(console);
        console.code(KeyCode::Tab, KeyModifiers::NONE);
    });
}

#[test]
fn sources_that_only_a_rate_rule_names() {
    snapshots("sources_limited", |console| {
        console.board(fixtures::attack()).keys("s").sources(fixtures::limited_sources());
        console.code(KeyCode::End, KeyModifiers::NONE);
    });
}

#[test]
fn sources_that_cannot_be_known() {
    snapshots("sources_unknown", |console| {
        console.board(fixtures::attack()).keys("s");
        let mut sources = fixtures::sources();
        sources.sources.clear();
        sources.missing = vec!["rule sqli: AccessDenied on wafv2:GetSampledRequests".into()];
        console.sources(sources);
    });
}

#[test]
fn sources_that_fail() {
    snapshots("sources_failing", |console| {
        console.board(fixtures::trouble()).keys("s");
        let result = Err("GetSampledRequests: no answer in time; r reads again".into());
        console.event(News::Sources { stage: fixtures::stage("shop", "prod"), result }.from(ConnectionId::FIRST));
    });
}

#[test]
fn a_stage_is_read_in_depth_once_it_is_open_and_again_when_asked() {
    let asked = |console: &Console| {
        let loads = console.looks.iter().filter(|effect| matches!(effect.ask(), Some(Ask::LoadStage(_))));
        loads.count()
    };
    let mut console = Console::armed((120, 40));
    console.board(fixtures::attack()).enter();
    says(&console, "reading it in depth");
    console.keys("r");
    says(&console, "the stage is being read already");
    assert_eq!(asked(&console), 1);
    // Another stage's answer, and another connection's, are not this one's.
    let other = std::sync::Arc::new(fixtures::report(fixtures::stage("billing", "prod")));
    console.event(News::Stage(other).from(ConnectionId::FIRST));
    says(&console, "reading it in depth");
    console.depth(fixtures::report);
    says(&console, "read 03:02:10Z, r again");
    console.keys("r");
    assert_eq!(asked(&console), 2);
    says(&console, "reading it in depth");
    // What is open is looked at, and nothing else is once it is left.
    let looks = |console: &Console| {
        let mut looks = console.looks.iter().rev();
        looks.find_map(|effect| match effect {
            Effect::To(_, Ask::LookAt(stages)) => Some(stages.clone()),
            _ => None,
        })
    };
    assert_eq!(looks(&console), Some(vec![fixtures::stage("shop", "prod")]));
    console.esc();
    assert_eq!(looks(&console), Some(Vec::new()));
}

#[test]
fn what_was_done_stands_in_the_charts_and_below_them() {
    let mut console = Console::armed((120, 60));
    console.board(fixtures::attack()).timeline(fixtures::timeline()).enter();
    let text = console.text();
    assert!(text.lines().any(|line| line.contains('┊')), "{text}");
    says(&console, "1 03:01:00Z block-ip: ");
    says(&console, "; undone");
    says(&console, "2 03:01:00Z block-ip: ");
}

#[test]
fn nothing_that_others_wrote_about_a_stage_reaches_the_terminal_as_it_is() {
    for size in [(80, 24), (200, 60)] {
        let mut console = Console::armed(size);
        console.board(fixtures::attack()).enter().depth(fixtures::report_hostile);
        for _ in 0..12 {
            let text = console.text();
            assert!(
                !text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}' || c == '\u{200b}')),
                "{text}"
            );
            console.code(KeyCode::PageDown, KeyModifiers::NONE);
        }
    }
}
