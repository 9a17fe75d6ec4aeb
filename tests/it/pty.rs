//! The binary in a pseudo-terminal: drills and the live console, by keys.
#![cfg(unix)]

use std::path::Path;

use super::program::{Program, Served, asked, refused, served, silent};
use super::terminal::Terminal;

fn drill(program: &Program, speed: &str, columns: u16, rows: u16) -> Terminal {
    Terminal::start(program.in_terminal(&["drill", "--speed", speed]), columns, rows)
}

/// From the board to a plan to block the two worst sources, which is then ready to be confirmed.
fn plan_to_block(terminal: &mut Terminal) {
    terminal.shows("ATTACK     shop/prod");
    terminal.send("s");
    terminal.shows("▸ [ ]");
    terminal.send(" j ");
    terminal.shows("2 sources marked");
    terminal.send("b");
    terminal.shows("how long?");
    terminal.send("\r");
    terminal.shows("lists every guard");
}

/// Opens the confirmation and types the phrase. At sixty times real time a warning that comes and goes may have come
/// since the plan was shown: then it is made again.
fn confirm(terminal: &mut Terminal) {
    let is_done = |s: &vt100::Screen| s.contents().contains("done and read back");
    for _ in 0..6 {
        terminal.send("\r");
        terminal.shows("To carry the plan out, type");
        let phrase = asked(&terminal.text()).unwrap();
        terminal.send(&format!("{phrase}\r"));
        terminal.wait("its end", |s| is_done(s) || s.contents().contains("Plan again"));
        if is_done(terminal.screen()) {
            return;
        }
        terminal.send("r");
        terminal.wait("a new plan", |s| !s.contents().contains("ENDED") && s.contents().contains("then type"));
    }
    panic!("the plan went stale six times");
}

#[test]
fn a_drill_shows_a_frame_and_raises_signals_by_itself() {
    let program = Program::without_credentials(&refused());
    let mut terminal = drill(&program, "200", 80, 24);
    terminal.shows("DRILL sqli-flood");
    assert!(terminal.screen().alternate_screen());
    assert!(terminal.is_raw());
    terminal.shows("ATTACK     shop/prod");
    terminal.shows("errors-high");
    terminal.send("q");
    let (status, _) = terminal.ends_with("");
    assert_eq!(status.exit_code(), 0);
}

#[test]
fn an_attack_is_blocked_watched_undone_noted_and_exported_by_keys() {
    let program = Program::without_credentials(&refused());
    let mut terminal = drill(&program, "60", 100, 30);
    plan_to_block(&mut terminal);
    terminal.send("\r");
    terminal.shows("To carry the plan out, type");
    // A resize in mid-confirmation keeps what was typed, down to a terminal too small to show it.
    let phrase = asked(&terminal.text()).unwrap();
    let (typed, rest) = phrase.split_at(phrase.len() - 2);
    terminal.send(typed);
    terminal.shows(&format!("> {typed}"));
    terminal.resize(40, 10);
    terminal.shows("what was typed is kept");
    terminal.resize(120, 40);
    terminal.shows(&format!("> {typed}"));
    terminal.send("nonsense\r");
    terminal
        .wait("the refusal of a wrong phrase", |s| !s.contents().contains("ENDED") && s.contents().contains(&phrase));
    terminal.send(&"\x7f".repeat("nonsense".len()));
    terminal.shows(&format!("> {typed}"));
    terminal.send(&format!("{rest}\r"));
    terminal.shows("done and read back");
    terminal.send("t");
    terminal.shows("TIMELINE");
    terminal.shows("1 in force");
    // Seen in the metrics: blocked goes up.
    terminal.shows("observed");
    terminal.send("gu");
    terminal.shows("then type");
    confirm(&mut terminal);
    terminal.send("t");
    terminal.shows("0 in force");
    terminal.send("nthe botnet came back\r");
    terminal.wait("the note", |s| s.contents().contains("note  ") && s.contents().contains("the botnet came back"));
    terminal.send("x");
    terminal.shows("exported to");
    terminal.send("?");
    terminal.shows("Export the timeline as Markdown");
    terminal.send("q");
    let (status, left) = terminal.ends_with("");
    assert_eq!(status.exit_code(), 0);
    assert!(!left.contains("in force"), "{left}");
    let exported =
        program.files().into_iter().find(|name| Path::new(name).extension().is_some_and(|e| e == "md")).unwrap();
    let story = std::fs::read_to_string(program.path().join(exported)).unwrap();
    for words in ["the botnet came back", "server-errors-high", "shop-blocklist", "undo"] {
        assert!(story.contains(words), "no {words} in\n{story}");
    }
    assert!(program.run(&["timeline", "verify"]).exits(0).out.contains("intact"));
}

/// What the README's walk through a drill says to do, step by step: the words in bold.
fn readme_steps() -> Vec<String> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, walk) = readme.split_once("## The first five minutes: a drill").unwrap();
    let (walk, _) = walk.split_once("\n## ").unwrap();
    let step = |line: &str| {
        let (number, rest) = line.split_once(". **")?;
        number.parse::<usize>().ok()?;
        Some(rest.split_once("**")?.0.to_owned())
    };
    walk.lines().filter_map(step).collect()
}

#[test]
fn the_readmes_walk_is_done_key_by_key_with_at_most_eight_to_the_block_confirmed() {
    let steps = [
        "Wait about 20 seconds.",
        "`b`: what would help.",
        "Read the plan.",
        "`Enter`, type the four characters",
        "Watch.",
        "`s`: who is sending it.",
        "`y`: a sentence for the status page",
        "`t`: the timeline.",
        "`q`: leave.",
    ];
    assert_eq!(readme_steps(), steps, "the walk below does what the README says");
    let program = Program::without_credentials(&refused());
    let mut terminal = drill(&program, "30", 120, 40);
    terminal.shows("ATTACK     shop/prod");
    terminal.shows("40 addresses that came with the attack");
    // What would help is read by itself.
    terminal.shows("b block 40 addresses");
    let mut keys = 0;
    let mut press = |terminal: &mut Terminal, key: &str, shown: &str| {
        keys += 1;
        terminal.send(key);
        terminal.shows(shown);
    };
    press(&mut terminal, "b", "1 block 40 addresses");
    press(&mut terminal, "\r", "then type");
    assert!(terminal.text().contains("SERVED"), "{}", terminal.text());
    // To read is no work on the way.
    terminal.send("d");
    terminal.wait("the whole diff", |screen| !screen.contents().contains("more; d shows them"));
    terminal.send("a");
    terminal.wait("every guard", |screen| !screen.contents().contains("a lists every guard"));
    press(&mut terminal, "\r", "To carry the plan out");
    let typed = asked(&terminal.text()).unwrap();
    assert_eq!(typed.len(), 4);
    terminal.send(&typed);
    press(&mut terminal, "\r", "BLOCKED 40 addresses");
    assert!(keys <= 8, "{keys} keys beyond the four characters");
    println!("{keys} keys beyond the four characters");
    terminal.shows("seen working");
    terminal.send("\x1b");
    terminal.shows("CONTAINED");
    terminal.send("s");
    terminal.shows("▸ [ ]");
    terminal.send("a");
    terminal.shows("that rules match and that were not there before");
    terminal.send("\x1b");
    terminal.shows("what next");
    terminal.send("y");
    terminal.shows("given to the terminal's clipboard");
    terminal.wait_until("the clipboard's sequence", |terminal| terminal.times("\x1b]52;c;") == 1);
    terminal.send("t");
    terminal.shows("1 in force");
    terminal.send("na note of the walk\r");
    terminal.shows("a note of the walk");
    terminal.send("gu");
    terminal.shows("PLAN undo");
    terminal.send("\x1b");
    terminal.shows("TIMELINE");
    terminal.send("x");
    terminal.shows("exported to");
    terminal.send("q");
    terminal.ends_with("");
}

/// Waits for a plan that can be confirmed, confirms it with its phrase, and waits for its end.
fn carry_out(terminal: &mut Terminal, stage: &str) {
    terminal.shows("then type");
    terminal.send("\r");
    terminal.shows("To carry the plan out, type");
    let text = terminal.text();
    assert!(text.contains(&format!("{stage} >")), "{stage} is not what is confirmed in\n{text}");
    let phrase = asked(&text).unwrap_or_else(|| panic!("nothing to type in\n{text}"));
    terminal.send(&format!("{phrase}\r"));
    terminal.shows("done and read back");
}

/// Empties the prompt and types a line.
fn instead(terminal: &mut Terminal, line: &str) {
    terminal.send(&"\x7f".repeat(120));
    terminal.send(&format!("{line}\r"));
}

#[test]
fn a_kill_switch_is_proven_closes_and_is_taken_back_by_keys() {
    let program = Program::without_credentials(&refused());
    let mut terminal = drill(&program, "20", 120, 40);
    terminal.shows("ATTACK     shop/prod");
    terminal.send("X");
    // The configured ranges, and the API's other stage.
    terminal.shows("192.0.2.240/28");
    terminal.shows("on dev");
    terminal.send("\r");
    terminal.shows("PLAN kill-switch on shop/dev");
    carry_out(&mut terminal, "shop/dev");
    terminal.send("\x1b");
    terminal.shows("ATTACK     shop/prod");
    terminal.send("X");
    terminal.wait("the same list, and no stage to prove on", |s| {
        let text = s.contents();
        text.contains("> 192.0.2.240/28") && !text.contains("on dev")
    });
    terminal.send("\r");
    terminal.shows("PLAN kill-switch on shop/prod");
    carry_out(&mut terminal, "shop/prod");
    terminal.shows("CLOSED shop/prod by kill-switch");
    terminal.send("t");
    terminal.shows("1 in force");
    terminal.send("gu");
    carry_out(&mut terminal, "shop/prod");
    terminal.send("t");
    terminal.shows("0 in force");
    terminal.send("q");
    let (status, _) = terminal.ends_with("");
    assert_eq!(status.exit_code(), 0);
}

#[test]
fn a_stage_is_closed_by_throttles_and_a_cache_is_flushed_by_keys() {
    let program = Program::without_credentials(&refused());
    let mut terminal = drill(&program, "30", 120, 40);
    terminal.shows("ATTACK     shop/prod");
    terminal.send("x");
    // What is recommended is typed in advance; everything to nothing never is.
    terminal.shows("> ");
    instead(&mut terminal, "throttle-zero because DB");
    terminal.shows("PLAN close on shop/prod");
    carry_out(&mut terminal, "shop/prod");
    terminal.shows("CLOSED shop/prod by close");
    terminal.send("\x1b");
    terminal.shows("req/s");
    terminal.send("x");
    terminal.shows("in which way");
    instead(&mut terminal, "prepare night");
    terminal.shows("PLAN prepare-closed-web-acl");
    carry_out(&mut terminal, "shop/prod");
    terminal.send("q");
    terminal.ends_with("");

    let args = program.in_terminal(&["drill", "cache-stale-privileges", "--speed", "30"]);
    let mut terminal = Terminal::start(args, 120, 40);
    terminal.shows("2 stages");
    terminal.send("F");
    terminal.shows("PLAN flush-cache");
    carry_out(&mut terminal, "records/dev");
    terminal.send("q");
    terminal.ends_with("");
}

#[test]
fn a_method_is_throttled_and_freed_by_keys() {
    let program = Program::without_credentials(&refused());
    let args = program.in_terminal(&["drill", "credential-stuffing", "--speed", "30"]);
    let mut terminal = Terminal::start(args, 120, 40);
    terminal.shows("ATTACK     accounts/prod");
    terminal.send("l");
    terminal.shows("METHOD PATH RATE/s BURST");
    instead(&mut terminal, "POST /login 40 80 4h");
    // What would be turned away may not be known as the attack begins: then it is done blind, with a reason.
    let told = |text: &str| text.contains("NOT KNOWN to") || text.contains("then type");
    terminal.wait("a plan", |s| told(&s.contents()));
    if terminal.text().contains("NOT KNOWN to") {
        terminal.send("o");
        terminal.shows("Why override");
        terminal.send("the backend is down anyway\r");
    }
    carry_out(&mut terminal, "accounts/prod");
    terminal.shows("in force: throttle accounts/prod");
    terminal.send("t");
    terminal.shows("1 in force");
    terminal.send("gu");
    carry_out(&mut terminal, "accounts/prod");
    terminal.send("t");
    terminal.shows("0 in force");
    terminal.send("q");
    terminal.ends_with("");
}

#[test]
fn a_terminal_of_40_by_10_says_what_matters_and_grows() {
    let program = Program::without_credentials(&refused());
    let mut terminal = drill(&program, "200", 40, 10);
    terminal.shows("too small: 40×10, needs 60×15");
    terminal.shows("ATTACK shop/prod");
    terminal.resize(80, 24);
    terminal.shows("req/s");
    terminal.send("q");
    terminal.ends_with("");
}

#[test]
fn signals_end_it_and_give_the_terminal_back() {
    for signal in ["-TERM", "-HUP", "-INT", "-QUIT"] {
        let program = Program::without_credentials(&refused());
        let mut terminal = drill(&program, "200", 80, 24);
        terminal.shows("shop/prod");
        assert!(terminal.is_raw());
        terminal.signal(signal);
        terminal.ends_with("");
    }
}

pub(crate) fn live(program: &Program, args: &[&str]) -> Terminal {
    let args: Vec<&str> = ["live"].iter().chain(args).copied().collect();
    Terminal::start(program.in_terminal(&args), 100, 30)
}

/// A range at the height of the flood.
pub(crate) fn flooded() -> Served {
    let served = served(600.0);
    let at = served.range.with(|range| range.start()) + chrono::TimeDelta::minutes(6);
    while served.range.now() < at {
        std::thread::yield_now();
    }
    served.range.set_rate(20.0);
    served
}

#[test]
fn live_is_read_only_and_changes_nothing() {
    let served = flooded();
    let program = Program::new(&served.url);
    let mut terminal = live(&program, &[]);
    terminal.shows("READ-ONLY");
    plan_to_block(&mut terminal);
    terminal.send("\r");
    terminal.shows("start it with --armed");
    terminal.send("q");
    terminal.ends_with("");
    assert_eq!(served.mutating_calls(), 0);
}

#[test]
fn armed_it_blocks_and_says_on_leaving_what_stays() {
    let served = flooded();
    let program = Program::new(&served.url);
    let before = served.entries("shop-blocklist").len() + served.entries("shop-blocklist-v6").len();
    let mut terminal = live(&program, &["--armed"]);
    terminal.shows("ARMED");
    // The overridden endpoint stands wherever the account does.
    terminal.shows(&served.url);
    plan_to_block(&mut terminal);
    confirm(&mut terminal);
    let after = served.entries("shop-blocklist").len() + served.entries("shop-blocklist-v6").len();
    assert_eq!(after, before + 2);
    terminal.send("q");
    let (status, left) = terminal.ends_with("portcullis sweep");
    assert_eq!(status.exit_code(), 0);
    for words in ["Still in force:", "block-ip on shop/prod, expires in"] {
        assert!(left.contains(words), "no {words} in\n{left}");
    }
    let actions = program.json(0, "actions", &["actions"]);
    let id = actions["actions"][0]["id"].as_str().unwrap();
    assert!(left.contains(id), "no {id} in\n{left}");
}

/// Whatever the account does: trouble is said, keys answer, leaving works.
fn answers_keys(mut terminal: Terminal, trouble: &str) {
    terminal.shows("READ-ONLY");
    terminal.send("?");
    terminal.shows("Leave; asks once more");
    terminal.send("\x1b");
    // Before the next key: an escape and a letter at once are Alt and the letter.
    terminal.wait("the end of the help", |screen| !screen.contents().contains("Leave; asks once more"));
    terminal.shows("TROUBLE");
    // The sentence may be folded.
    terminal.wait(trouble, |screen| screen.contents().replace('\n', " ").contains(trouble));
    terminal.send("t");
    terminal.shows("TIMELINE");
    terminal.send("q");
    let (status, _) = terminal.ends_with("");
    assert_eq!(status.exit_code(), 0);
}

#[test]
fn a_refused_endpoint_is_said_and_keys_answer() {
    answers_keys(live(&Program::new(&refused()), &[]), "no connection");
}

#[test]
fn an_endpoint_that_never_answers_is_said_and_keys_answer() {
    let (_listener, url) = silent();
    answers_keys(live(&Program::new(&url), &[]), "no answer in time");
}

#[test]
fn missing_credentials_are_said_and_keys_answer() {
    let served = served(60.0);
    answers_keys(live(&Program::without_credentials(&served.url), &[]), "no AWS credentials");
}

#[test]
fn a_small_terminal_does_not_take_trouble_for_calm() {
    let program = Program::new(&refused());
    let args = program.in_terminal(&["live"]);
    let mut terminal = Terminal::start(args, 60, 10);
    terminal.shows("TROUBLE GetCallerIdentity");
    assert!(!terminal.text().contains("nothing unusual"), "{}", terminal.text());
    terminal.send("q");
    terminal.ends_with("");
}

#[test]
fn leaving_does_not_wait_for_a_hung_call() {
    let (_listener, url) = silent();
    let program = Program::new(&url);
    let mut terminal = live(&program, &[]);
    terminal.shows("READ-ONLY");
    let began = std::time::Instant::now();
    terminal.send("q");
    terminal.ends_with("");
    assert!(began.elapsed() < std::time::Duration::from_secs(3), "{:?}", began.elapsed());
}

/// A sign-in in another terminal writes keys into the profile's file while the console is open.
#[test]
fn keys_that_come_later_are_picked_up_without_a_restart() {
    let served = served(20.0);
    let program = Program::without_credentials(&served.url);
    let mut terminal = Terminal::start(program.in_terminal(&["live"]), 120, 40);
    terminal.shows("no AWS credentials");
    std::fs::create_dir_all(program.path().join(".aws")).unwrap();
    program.file(
        ".aws/credentials",
        "[default]\naws_access_key_id = AKIARANGE00000000000\naws_secret_access_key = range\n",
    );
    terminal.shows("shop/prod");
    terminal.send("q");
    terminal.ends_with("");
}
