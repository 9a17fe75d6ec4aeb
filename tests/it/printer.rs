//! What leaves the process is harmless, and what could not leave is said: standard output, standard error, JSON, files
//! that are written.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;

use portcullis::model::text::printable;

use super::program::{Ended, Program, phrase, refused, served};

/// A clipboard, a title, a colour, C1's own CSI, DEL, right-to-left, a zero width, a tag, a line of its own.
const HOSTILE: &str = "\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}]0;t\u{1b}\\\u{1b}[31m\u{9b}2J\u{7f}\u{202e}\u{2066}\u{200b}\u{e0041}\u{2028}\u{61c}";

/// What is left once line ends and tabs of our own are gone: nothing that acts on a terminal or hides on it.
#[track_caller]
fn harmless(what: &str, text: &str) {
    assert_eq!(printable(text), text, "{what}");
}

#[track_caller]
fn says_hostile_harmlessly(ended: &Ended) {
    harmless("standard output", &ended.out);
    harmless("standard error", &ended.err);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
}

#[test]
fn no_argument_reaches_the_terminal_as_it_is() {
    let program = Program::new(&refused());
    let path = format!("./{HOSTILE}.toml");
    let throttle = format!("GET /{HOSTILE}");
    for args in [
        &["plan", "throttle", "--stage", "shop/prod", "--method", &throttle, "--rate", "1", "--burst", "1"][..],
        &["plan", "throttle", "--stage", "shop/prod", "--method", HOSTILE, "--rate", "1", "--burst", "1"],
        &["plan", "block-ip", "--stage", HOSTILE, "192.0.2.1/32"],
        &["plan", "block-ip", "--stage", "shop/prod", HOSTILE],
        &["plan", HOSTILE],
        &[HOSTILE],
        &["snapshot", HOSTILE],
        &["snapshot", "--output", HOSTILE],
        &["--config", &path, "snapshot"],
        &["--region", HOSTILE, "snapshot"],
        &["--endpoint-url", HOSTILE, "snapshot"],
        &["undo", HOSTILE],
        &["apply", &path],
        &["drill", &path],
        &["range", "serve", &path],
        &["range", "serve", "--listen", HOSTILE],
        &["keys", "check", &path],
        &["playbook", "check", &path],
        &["playbook", "show", HOSTILE],
        &["playbook", "run", HOSTILE, "--stage", "shop/prod"],
        &["timeline", "show", HOSTILE],
        &["timeline", "verify", HOSTILE],
        &["timeline", "export", HOSTILE],
        &["completions", HOSTILE],
    ] {
        let ended = program.run(args);
        assert_ne!(ended.code, Some(0), "{args:?}");
        says_hostile_harmlessly(&ended);
        let json: Vec<&str> = args.iter().copied().chain(["-o", "json"]).collect();
        let ended = program.run(&json);
        says_hostile_harmlessly(&ended);
        assert!(ended.out.is_ascii(), "{:?}", ended.out);
    }
}

#[test]
fn no_file_reaches_the_terminal_as_it_is() {
    let quoted = HOSTILE.replace('\u{1b}', "\\u001b").replace('\u{7}', "\\u0007").replace('\u{7f}', "\\u007f");
    let raw: String = HOSTILE.chars().filter(|c| !c.is_ascii_control()).collect();
    let mut program = Program::new(&refused());
    for text in [
        format!("[guards]\n\"{quoted}\" = 1\n"),
        format!("[guards]\nnever-block = [\"{quoted}\"]\n"),
        format!("# {raw}\n[guards\n"),
        format!("[\"{quoted}\"]\n"),
        format!("[guards] {HOSTILE}\n"),
    ] {
        let path = program.configure(&text);
        says_hostile_harmlessly(&program.run(&["snapshot"]).exits(64));
        for command in [&["keys", "check"][..], &["playbook", "check"], &["drill"], &["range", "serve"], &["apply"]] {
            let args: Vec<&str> = command.iter().copied().chain([path.to_str().unwrap()]).collect();
            let ended = program.run(&args);
            assert_ne!(ended.code, Some(0), "{args:?}");
            says_hostile_harmlessly(&ended);
        }
    }
    for text in [
        format!("[board]\n\"{quoted}\" = \"w\"\n"),
        format!("[board]\nsources = \"{quoted}\"\n"),
        format!("[\"{quoted}\"]\nsources = \"w\"\n"),
    ] {
        let path = program.file("keymap.toml", &text);
        says_hostile_harmlessly(&program.run(&["keys", "check", path.to_str().unwrap()]));
    }
}

#[test]
fn the_environment_reaches_no_terminal_as_it_is() {
    let mut program = Program::new(&refused());
    for name in ["PORTCULLIS_CONFIG", "PORTCULLIS_LOG", "AWS_REGION", "AWS_PROFILE"] {
        program.set(name, HOSTILE);
        says_hostile_harmlessly(&program.run(&["snapshot"]));
        says_hostile_harmlessly(&program.run(&["snapshot", "--help"]));
        program.unset(name);
    }
}

#[test]
fn a_plan_shows_hostile_words_on_one_line_and_keeps_them_whole_in_json() {
    let served = served(60.0);
    let program = Program::new(&served.url);
    let reason = format!("{HOSTILE}\nConfirm with: shop/prod 0000");
    let action = ["block-ip", "--stage", "shop/prod", "203.0.113.7/32", "--reason", reason.as_str()];
    let with = |first: &'static str, more: &[&'static str]| -> Vec<&str> {
        [first].into_iter().chain(action).chain(more.iter().copied()).collect()
    };
    let shown = program.run(&with("plan", &["--save", "saved.json"])).exits(2);
    says_hostile_harmlessly(&shown);
    let forged = shown.out.lines().filter(|line| line.starts_with("Confirm with:"));
    assert_eq!(forged.count(), 1, "{}", shown.out);
    let ended = program.run(&with("plan", &["-o", "json"])).exits(2);
    assert!(ended.out.is_ascii());
    harmless("JSON", &ended.out);
    assert!(ended.json().to_string().contains(&serde_json::to_string(&reason).unwrap()), "nothing of it is lost");
    let saved = fs::read_to_string(program.path().join("saved.json")).unwrap();
    assert!(saved.is_ascii(), "{saved}");
    harmless("a saved plan", &saved);
    says_hostile_harmlessly(&program.run(&["apply", "saved.json"]));
    let phrase = phrase(&shown.out, "shop/prod").unwrap();
    let mut apply = with("apply", &[]);
    apply.extend(["--confirm", &phrase]);
    says_hostile_harmlessly(&program.run(&apply).exits(0));
    for args in
        [&["actions"][..], &["timeline", "show"], &["timeline", "export"], &["timeline", "export", "--format", "jsonl"]]
    {
        says_hostile_harmlessly(&program.run(args).exits(0));
    }
}

fn full() -> Option<fs::File> {
    Path::new("/dev/full").exists().then(|| fs::OpenOptions::new().write(true).open("/dev/full").unwrap())
}

/// Runs it with standard output on a device that is full.
fn into_full(program: &Program, args: &[&str]) -> Option<(Option<i32>, String)> {
    let output = program.command(args).stdout(Stdio::from(full()?)).output().unwrap();
    Some((output.status.code(), String::from_utf8(output.stderr).unwrap()))
}

#[test]
fn an_output_that_cannot_be_written_is_no_success() {
    let served = served(60.0);
    let program = Program::new(&served.url);
    program.run(&["timeline", "note", "begun"]).exits(0);
    for args in [
        &["timeline", "export"][..],
        &["timeline", "list"],
        &["timeline", "show", "-o", "json"],
        &["timeline", "verify"],
        &["completions", "bash"],
        &["keys"],
        &["snapshot"],
        &["snapshot", "--watch"],
        &["actions"],
        &["plan", "block-ip", "--stage", "shop/prod", "203.0.113.7/32"],
        &["playbook", "list"],
        &["range", "serve", "--listen", "127.0.0.1:0"],
        &["--help"],
        &["--version"],
    ] {
        let Some((code, said)) = into_full(&program, args) else { return };
        assert_eq!(code, Some(1), "{args:?}: {said}");
        assert!(said.contains("standard output could not be written: No space left on device"), "{args:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn after_a_change_the_change_s_own_code_stands() {
    let served = served(60.0);
    let program = Program::new(&served.url);
    let Some((code, said)) = into_full(&program, &["timeline", "note", "noted all the same"]) else { return };
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("what was changed remains in place"), "{said}");
    let action = ["block-ip", "--stage", "shop/prod", "203.0.113.7/32"];
    let plan = program.run(&["plan", action[0], action[1], action[2], action[3]]).exits(2);
    let phrase = phrase(&plan.out, "shop/prod").unwrap();
    let (code, said) =
        into_full(&program, &["apply", action[0], action[1], action[2], action[3], "--confirm", &phrase]).unwrap();
    assert_eq!(code, Some(0), "{said}");
    assert!(program.run(&["timeline", "show"]).exits(0).out.contains("noted all the same"));
    assert!(program.run(&["actions"]).exits(0).out.contains("block-ip"));
}

/// Runs it with a reader that takes one line and goes; gives the exit code and what was said.
fn one_line_of(program: &Program, args: &[&str]) -> (Option<i32>, String) {
    let mut child = program.command(args).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    if args.contains(&"json") {
        crate::schemas::held(&serde_json::from_str(&line).unwrap());
    }
    drop(out);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

#[test]
fn a_reader_that_goes_away_is_a_quiet_end() {
    let served = served(60.0);
    let program = Program::new(&served.url);
    // At real time the next poll is a minute away: the end is noticed while nothing is written.
    served.range.set_rate(1.0);
    for args in [&["snapshot", "--watch"][..], &["snapshot", "--watch", "-o", "json"]] {
        let began = std::time::Instant::now();
        assert_eq!(one_line_of(&program, args), (Some(1), String::new()), "{args:?}");
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "{args:?} took {:?}", began.elapsed());
    }
    for args in [&["completions", "bash"][..], &["completions", "zsh"], &["keys"], &["--help"]] {
        let (_, said) = one_line_of(&program, args);
        assert_eq!(said, "", "{args:?}");
    }
}

#[test]
fn without_a_terminal_no_screen_is_opened() {
    let program = Program::new(&refused());
    for (command, instead) in [("live", "portcullis snapshot --watch"), ("drill", "portcullis range serve")] {
        let ended = program.run(&[command]).says(1, &["needs a terminal", "is not a terminal", instead]);
        assert_eq!(ended.out, "", "{command}");
        assert!(!ended.err.contains('\u{1b}'), "{}", ended.err);
    }
}

/// Nothing else writes to standard output or error: whatever does is harmless by luck alone.
#[test]
fn nothing_is_printed_but_by_the_printer() {
    let ways = ["println!", "print!(", "io::stdout", "io::stderr", "dbg!", ".exit()", "set_hook("];
    // The screen draws, and gives the terminal back; what panics said goes through `neutralised` there.
    let printers = ["cli/out.rs", "tui/app.rs", "tui/app/screen.rs"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut dirs = vec![root.clone()];
    let mut wrong = Vec::new();
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            if printers.contains(&name.as_str()) || name.ends_with("tests.rs") || name.ends_with("laws.rs") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
                if ways.iter().any(|way| line.contains(way)) {
                    wrong.push(format!("src/{name}:{}: {line}", at + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
