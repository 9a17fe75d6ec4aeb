//! What is not known for certain, on the screen: estimates with their bounds, signals that were not judged lately.

use portcullis::model::counted::Bounds;
use portcullis::model::signal::{NotJudged, SignalKind};
use portcullis::tui::Mode;

use super::tui_fixtures as fixtures;
use super::tui_screens::Console;

fn says(console: &Console, words: &str) {
    let text = console.text();
    assert!(text.contains(words), "“{words}” is not in\n{text}");
}

#[test]
fn an_estimate_out_of_few_samples_has_its_bounds_in_the_table() {
    let mut console = Console::new(Mode::ReadOnly, (120, 40));
    console.board(fixtures::attack()).keys("s");
    let mut sources = fixtures::sources();
    sources.sources[0].requests = Some(2_600);
    sources.sources[0].requests_bounds = Some(Bounds { at_least: 102, at_most: 12_306 });
    sources.top[0].rows[0].requests_bounds = Some(Bounds { at_least: 31_000, at_most: 47_000 });
    console.sources(sources);
    says(&console, "2.6k (102–12k)");
    console.code(crossterm::event::KeyCode::Tab, crossterm::event::KeyModifiers::NONE);
    says(&console, "39k (31k–47k)");
}

#[test]
fn what_was_not_judged_lately_is_neither_calm_nor_over() {
    let mut board = fixtures::attack();
    let since = fixtures::ago(7);
    for row in &mut board.stages {
        for signal in &mut row.signals {
            signal.not_judged_since = Some(since);
        }
        if row.signals.is_empty() {
            row.warnings.clear();
            row.not_judged = vec![NotJudged { kind: SignalKind::ClientErrorsHigh, since: Some(since) }];
        }
    }
    let mut console = Console::new(Mode::ReadOnly, (120, 40));
    console.board(board);
    says(&console, "ATTACK");
    says(&console, &format!("not judged since {}", since.format("%H:%MZ")));
    let calm =
        console.text().lines().filter(|line| line.trim_start_matches('▸').trim_start().starts_with("? ")).count();
    assert!(calm > 0, "no row is marked as unknown in\n{}", console.text());
}
