//! How the console looks in a terminal: by flag, configuration and environment, and where it refuses.
#![cfg(unix)]

use super::program::{Program, refused};
use super::terminal::Terminal;

/// Starts a drill, waits for its board, leaves; gives every colour of every cell that was seen, and the text.
fn seen(program: &Program, args: &[&str]) -> (Vec<vt100::Color>, String) {
    let args: Vec<&str> = ["drill", "--speed", "200"].iter().chain(args).copied().collect();
    let mut terminal = Terminal::start(program.in_terminal(&args), 80, 24);
    terminal.shows("ATTACK");
    terminal.wait("sparklines", |screen| screen.contents().contains("requests"));
    let screen = terminal.screen();
    let cells = (0..24).flat_map(|y| (0..80).filter_map(move |x| screen.cell(y, x)));
    let colours = cells.flat_map(|cell| [cell.fgcolor(), cell.bgcolor()]).collect();
    let text = terminal.text();
    terminal.send("q");
    terminal.ends_with("");
    (colours, text)
}

#[test]
fn a_theme_is_chosen_by_flag_configuration_and_terminal() {
    use vt100::Color::Idx;
    let mut program = Program::without_credentials(&refused());
    // The banner of a drill tells which it is.
    let banner = |program: &Program, args: &[&str]| seen(program, args).0[2..4].to_vec();
    assert_eq!(banner(&program, &[]), [Idx(16), Idx(117)]);
    program.set("COLORFGBG", "0;15");
    assert_eq!(banner(&program, &[]), [Idx(231), Idx(25)]);
    assert_eq!(banner(&program, &["--theme", "high-contrast"]), [Idx(16), Idx(123)]);
    let mine = portcullis::tui::theme::BUILT_IN[1].1.replace("bg = 25, bold", "bg = 22, bold");
    program.file("mine.toml", &mine);
    assert_eq!(banner(&program, &["--theme", "./mine.toml"]), [Idx(231), Idx(22)]);
    program.configure("[screen]\ntheme = \"mine.toml\"\n");
    assert_eq!(banner(&program, &[]), [Idx(231), Idx(22)]);
    assert_eq!(banner(&program, &["--theme", "dark"]), [Idx(16), Idx(117)]);
}

#[test]
fn no_color_leaves_attributes_only() {
    let mut program = Program::without_credentials(&refused());
    program.set("NO_COLOR", "1");
    for args in [&[][..], &["--theme", "light"]] {
        let (colours, text) = seen(&program, args);
        assert!(colours.iter().all(|colour| *colour == vt100::Color::Default), "{args:?}");
        assert!(text.contains("DRILL sqli-flood"));
    }
    program.set("NO_COLOR", "");
    assert!(seen(&program, &[]).0.iter().any(|colour| *colour != vt100::Color::Default));
}

#[test]
fn without_a_utf_8_locale_the_screen_is_ascii() {
    let mut program = Program::without_credentials(&refused());
    for (name, value, ascii) in [("LC_ALL", "C", true), ("LC_ALL", "", false), ("LC_CTYPE", "de_DE.ISO-8859-1", true)] {
        program.set(name, value);
        let (_, text) = seen(&program, &[]);
        assert_eq!(text.is_ascii(), ascii, "{name}={value}\n{text}");
        assert!(text.contains(if ascii { ">ATTACK" } else { "▸ ATTACK" }) || text.contains("> ATTACK"), "{text}");
    }
    program.unset("LC_CTYPE");
    program.unset("LANG");
    assert!(seen(&program, &[]).1.is_ascii(), "no locale is C");
}

#[test]
fn a_dumb_terminal_is_refused_with_what_to_do_instead() {
    let program = Program::without_credentials(&refused());
    for command in ["live", "drill"] {
        let terminal = Terminal::start_as("dumb", program.in_terminal(&[command]), 80, 24);
        let (status, text) = terminal.ends_with("needs a terminal");
        assert_eq!(status.exit_code(), 1, "{text}");
        let text = text.replace('\n', "");
        assert!(text.contains("portcullis snapshot --watch"), "{text}");
    }
}

#[test]
fn a_theme_that_is_wrong_is_told_before_the_screen_is_taken() {
    let mut program = Program::new(&refused());
    let light = portcullis::tui::theme::BUILT_IN[1].1;
    let missing = program.file("missing.toml", &light.replace("warn ", "wran "));
    let bad = program.file("bad.toml", &light.replace("fg = 130", "fg = 999"));
    let (missing, bad) = (missing.to_str().unwrap(), bad.to_str().unwrap());
    for command in ["live", "drill"] {
        let named = |theme| program.run(&[command, "--theme", theme]);
        named("lihgt").says(64, &["there is no theme “lihgt”", "Did you mean “light”?"]);
        named("solarized").says(64, &["There is dark, light, high-contrast, monochrome", "./my.toml"]);
        named("nowhere.toml").says(64, &["nowhere.toml could not be read"]);
        named(".").says(64, &["not a regular file"]);
        named(bad).says(64, &["bad.toml:15:", "0 to 255"]);
        named(missing).says(64, &["missing.toml:7:", "no “warn”", "has no key “wran”"]);
    }
    let config = program.configure("[guards]\n\n[screen]\ntheme = \"drak\"\n");
    for command in ["live", "drill"] {
        program.run(&[command]).says(64, &["config.toml:4:9: there is no theme “drak”", "--theme dark starts"]);
    }
    program.run(&["config", "check"]).says(1, &["config.toml:4:9: there is no theme “drak”"]);
    // Whatever does not open a screen does without one.
    program.run(&["config", "check", config.to_str().unwrap()]).says(1, &["Did you mean “dark”?"]);
    program.run(&["actions"]).says(1, &[]);
}

/// A drill takes of the user's configuration its theme alone, and starts where that cannot be read.
#[test]
fn a_drill_starts_with_a_configuration_that_cannot_be_read() {
    let mut program = Program::without_credentials(&refused());
    let home = program.path().join("config/portcullis");
    std::fs::create_dir_all(&home).unwrap();
    program.set("XDG_CONFIG_HOME", program.path().join("config").to_str().unwrap());
    std::fs::write(home.join("config.toml"), "[guards]\nnever-blok = []\n").unwrap();
    let (colours, _) = seen(&program, &[]);
    assert_eq!(colours[3], vt100::Color::Idx(117));
    std::fs::write(home.join("config.toml"), "[screen]\ntheme = \"light\"\n").unwrap();
    assert_eq!(seen(&program, &[]).0[3], vt100::Color::Idx(25));
}

#[test]
fn a_terminal_that_says_nothing_of_its_background_is_asked_and_followed_where_it_answers_in_time() {
    use vt100::Color::Idx;
    let mut program = Program::without_credentials(&refused());
    program.unset("COLORFGBG");
    let banner = |terminal: &Terminal| terminal.screen().cell(0, 1).map(vt100::Cell::bgcolor);
    let started = || {
        let mut terminal = Terminal::start(program.in_terminal(&["drill"]), 80, 24);
        terminal.shows("DRILL sqli-flood");
        terminal.wait_until("the question", |terminal| terminal.times("\u{1b}]11;?") == 1);
        assert_eq!(banner(&terminal), Some(Idx(117)), "dark until it is known");
        terminal
    };
    let mut terminal = started();
    terminal.send("\u{1b}]11;rgb:ffff/ffff/ffff\u{1b}\\");
    terminal.wait_until("the light theme", |terminal| banner(terminal) == Some(Idx(25)));
    terminal.send("q");
    terminal.ends_having_asked(&["]11;?"]);
    // Too late: somebody is reading already. It is no key all the same.
    let mut terminal = started();
    terminal.send("?");
    terminal.shows("the board of stages");
    terminal.send("\u{1b}]11;rgb:ffff/ffff/ffff\u{1b}\\");
    terminal.send("q");
    terminal.ends_having_asked(&["]11;?"]);
}
