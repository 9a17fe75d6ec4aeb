//! What stands on the disk: incidents that cannot be read stop nothing they cannot own, nothing is open to others,
//! nothing is written through a link, and nothing waits for a pipe.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta};
use portcullis::aws::Lane;
use portcullis::incident::{AT_WORK, Event, Incident, IncidentStore, MayClaim};
use portcullis::journal::read;
use portcullis::model::action::Terms;
use portcullis::model::identity::Identity;
use portcullis::model::plan::{Outcome, Verdict};
use portcullis::respond::undo::{self, Others};

use crate::incident_fixtures::{V4, V6, actor, at, identity, opened, outcome, plan};
use crate::program::{Program, phrase, served};
use crate::world::{World, block, flood};

/// An incident's folder whose journal is `text`, as an earlier process left it; `used` where something was carried out
/// in it.
fn left(root: &Path, id: &str, text: &str, used: bool) -> PathBuf {
    let dir = root.join(id);
    fs::create_dir_all(&dir).unwrap();
    let journal = dir.join("journal.jsonl");
    fs::write(&journal, text).unwrap();
    if used {
        fs::write(dir.join(AT_WORK), "").unwrap();
    }
    journal
}

/// The verdict on claims of an undo of the block `id`, in view of what the store can read.
async fn claimed(world: &World, id: &str) -> Verdict {
    let identity = world.aws.identity(Lane::Plan).await.unwrap();
    let survey = world.store.survey(&identity.at).unwrap();
    let unreadable = survey.unreadable();
    let action = survey.actions.iter().find(|a| a.id == id).unwrap();
    let others = Others { actions: &survey.actions, unreadable: &unreadable, attack: None };
    let planned = undo::plan(&world.aws, action, others, &[], &Terms::default()).await.unwrap();
    planned.plan.guards.iter().find(|guard| guard.id == "undo.claimed").unwrap().verdict
}

/// Puts `junk` over a line of a journal, from its `from`th byte on.
fn broken(incident: &Incident, line: usize, from: &str) {
    let text = fs::read_to_string(incident.path()).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = lines[line].find(from).unwrap();
    lines[line].replace_range(at..at + from.len(), &"#".repeat(from.len()));
    fs::write(incident.path(), lines.join("\n") + "\n").unwrap();
    fs::write(incident.path().with_file_name(AT_WORK), "").unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_incident_that_cannot_be_read_stops_only_what_it_could_own() {
    let world = flood(60.0).await;
    let done = world.apply(world.plan(&block(&["203.0.113.7"])).await).await;
    let root = world.store.root().to_owned();
    let id = &done.action_id;
    assert_eq!(claimed(&world, id).await, Verdict::Pass);

    // Killed, or the disk full, before the first line; a pipe; noise in which nothing was carried out; a link; nothing
    // at all.
    left(&root, "2026-03-01-0001-empty", "", false);
    left(&root, "2026-03-01-0002-torn", "{\"seq\":1,\"at\":\"2026-03", false);
    left(&root, "2026-03-01-0003-noise", "noise\nmore\n", false);
    fs::create_dir(root.join("2026-03-01-0004-folder")).unwrap();
    fs::create_dir(root.join("2026-03-01-0005-pipe")).unwrap();
    assert!(Command::new("mkfifo").arg(root.join("2026-03-01-0005-pipe/journal.jsonl")).status().unwrap().success());
    symlink("/dev/zero", left(&root, "2026-03-01-0006-device", "", false).with_extension("x")).unwrap();
    fs::remove_file(root.join("2026-03-01-0006-device/journal.jsonl")).unwrap();
    symlink("/dev/zero", root.join("2026-03-01-0006-device/journal.jsonl")).unwrap();
    symlink(&root, root.join("2026-03-01-0007-link")).unwrap();
    assert_eq!(claimed(&world, id).await, Verdict::Pass);
    let identity = world.aws.identity(Lane::Plan).await.unwrap();
    assert!(world.store.survey(&identity.at).unwrap().unreadable().is_empty());

    // Of another region, and damaged: whose it is stands in its first line.
    let mut elsewhere = identity.clone();
    elsewhere.at.region = "us-east-1".to_owned();
    let other = begun_with_an_intent(&world, &elsewhere, "elsewhere");
    broken(&other, 1, "\"kind\":\"intent\"");
    assert_eq!(claimed(&world, id).await, Verdict::Pass);

    // Of this one: a note that cannot be read is no action, and an intent names what it changes before its calls.
    let here = begun_with_an_intent(&world, &identity, "here");
    here.record(at(9), &Event::Note { text: "hello there".to_owned() }).unwrap();
    broken(&here, 3, "\"text\":\"");
    assert_eq!(claimed(&world, id).await, Verdict::Pass);
    let sets = begun_with_an_intent(&world, &identity, "other sets");
    broken(&sets, 1, "],\"calls\":[");
    assert_eq!(claimed(&world, id).await, Verdict::Unknown, "what it changes cannot be told");
    fs::remove_dir_all(sets.path().parent().unwrap()).unwrap();
    let sets = begun_with_an_intent(&world, &identity, "other sets");
    broken(&sets, 1, "\"preconditions\":[]");
    assert_eq!(claimed(&world, id).await, Verdict::Pass, "it changed other sets");
    fs::remove_dir_all(sets.path().parent().unwrap()).unwrap();

    // Noise in which something was carried out may have been of this account.
    left(&root, "2026-03-01-0008-noise", "noise\n", true);
    assert_eq!(claimed(&world, id).await, Verdict::Unknown);
    fs::remove_dir_all(root.join("2026-03-01-0008-noise")).unwrap();
    assert_eq!(world.undo(id).await.outcome, Outcome::Done);
}

fn begun_with_an_intent(world: &World, identity: &Identity, title: &str) -> Incident {
    let incident = world.store.create(identity, title, at(0), &actor()).unwrap();
    let mut plan = plan();
    plan.identity = identity.clone();
    let (id, _) = incident.record_intent(at(1), &plan).unwrap();
    incident.record(at(2), &outcome(&id, Outcome::NotDone)).unwrap();
    incident
}

#[test]
fn what_a_damaged_incident_may_still_count_on() {
    let dir = tempfile::tempdir().unwrap();
    let (store, incident) = opened(dir.path());
    incident.record_intent(at(1), &plan()).unwrap();
    fs::write(incident.path().with_file_name(AT_WORK), "").unwrap();
    for text in ["one", "two"] {
        incident.record(at(2), &Event::Note { text: text.to_owned() }).unwrap();
    }
    let whole = fs::read_to_string(incident.path()).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let claims = |text: String| {
        fs::write(incident.path(), text).unwrap();
        let survey = store.survey(&identity().at).unwrap();
        (survey.damaged.len(), survey.unreadable().first().map(|one| one.may_claim.clone()))
    };
    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    assert_eq!(claims(whole.clone()), (0, None));
    // Something put in, which the chain goes on across, was never a line of it.
    assert_eq!(claims(joined(&[lines[0], lines[1], "scribble", lines[2], lines[3]])), (1, None));
    let anything = Some(MayClaim::Anything);
    assert_eq!(claims(joined(&[lines[0], lines[1], "scribble", lines[3]])), (1, anything.clone()));
    assert_eq!(claims(joined(&[lines[0], lines[1], lines[3]])), (1, anything.clone()), "a line taken out");
    assert_eq!(claims(joined(&[lines[0], lines[1], lines[2], lines[3], "scribble"])), (1, anything));
    let cut = lines[1].replace("\"preconditions\":[]", "\"preconditions\":[\u{1}");
    let only = MayClaim::Only([V4.to_owned(), V6.to_owned()].into());
    assert_eq!(claims(joined(&[lines[0], &cut, lines[2], lines[3]])), (1, Some(only)));
    assert_eq!(
        claims(whole.clone() + "{\"seq\":5,\"at\":\"torn"),
        (0, None),
        "a torn last line was never acknowledged"
    );
    assert_eq!(claims(whole), (0, None));
}

#[test]
fn an_incident_comes_into_being_with_its_first_line() {
    let dir = tempfile::tempdir().unwrap();
    let store = IncidentStore::new(dir.path().join("incidents"));
    // Killed while it was being made.
    left(store.root(), ".new-2026-03-01-0302-shop-1-0", "{\"seq\":1", false);
    assert!(store.list().unwrap().is_empty());
    let (store, incident) = opened(dir.path());
    let names: Vec<_> = fs::read_dir(store.root()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "the remains are gone: {names:?}");
    assert_eq!(read(incident.path()).unwrap().lines[0].kind, "opened");
    // An id that anything has is not taken again.
    left(store.root(), "2026-03-01-0302-shop-prod-under-attack-2", "", false);
    let next = store.create(&identity(), "shop/prod under attack", at(0), &actor()).unwrap();
    assert!(next.id().ends_with("-3"), "{}", next.id());
}

/// Every file and folder below `dir`, with its mode.
fn modes(dir: &Path) -> Vec<(PathBuf, bool, u32)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let meta = entry.metadata().unwrap();
        found.push((entry.path(), meta.is_dir(), meta.permissions().mode() & 0o777));
        if meta.is_dir() {
            found.extend(modes(&entry.path()));
        }
    }
    found
}

#[test]
fn everything_is_its_owners_alone_whatever_the_umask_and_nothing_goes_through_a_link() {
    let served = served(60.0);
    let program = Program::new(&served.url);
    let run = |umask: &str, args: &[&str]| {
        let command = program.command(&[]);
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("umask {umask}; exec \"$@\"")).arg("sh").arg(command.get_program()).args(args);
        shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.current_dir(program.path()).output().unwrap()
    };
    let blocked = ["block-ip", "--stage", "shop/prod", "203.0.113.7", "--for", "4h"];
    // As an earlier version left it.
    fs::create_dir_all(program.path().join("state/portcullis/plans")).unwrap();
    let shown = run("000", &[&["plan"], &blocked[..], &["--save", "saved.json"]].concat());
    assert_eq!(shown.status.code(), Some(2), "{shown:?}");
    let confirm = phrase(&String::from_utf8(shown.stdout).unwrap(), "shop/prod").unwrap();
    let done = run("277", &["apply", "saved.json", "--confirm", &confirm]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let exported = run("000", &["timeline", "export", "--to", "review.md"]);
    assert_eq!(exported.status.code(), Some(0), "{exported:?}");
    let state = program.path().join("state/portcullis");
    let all = modes(&state);
    assert!(all.iter().any(|(path, ..)| path.ends_with(AT_WORK)), "{all:?}");
    for (path, is_dir, mode) in all {
        assert_eq!(mode, if is_dir { 0o700 } else { 0o600 }, "{}", path.display());
    }
    for name in ["saved.json", "review.md"] {
        let mode = fs::metadata(program.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }

    // Links that somebody planted.
    let theirs = program.file("theirs", "untouched");
    let plans = state.join("plans");
    for entry in fs::read_dir(&plans).unwrap() {
        let path = entry.unwrap().path();
        fs::remove_file(&path).unwrap();
        symlink(&theirs, &path).unwrap();
    }
    symlink(&theirs, program.path().join("link.json")).unwrap();
    program.run(&[&["plan"], &blocked[..], &["--save", "link.json"]].concat()).says(1, &["link.json", "it is a link"]);
    program.run(&["timeline", "export", "--to", "link.json"]).says(1, &["it is a link"]);
    program.run(&["timeline", "export", "--to", "/dev/full"]).says(1, &["it is a device"]);
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "untouched");
}

#[test]
fn what_was_never_begun_and_a_pipe_hold_nobody_up() {
    let served = served(60.0);
    let program = Program::new(&served.url);
    let root = program.path().join("state/portcullis/incidents");
    left(&root, "2026-01-01-0001-empty", "", false);
    left(&root, "2026-01-01-0002-torn", "{\"seq\":1,\"at\":\"20", false);
    fs::create_dir(root.join("2026-01-01-0003-pipe")).unwrap();
    assert!(Command::new("mkfifo").arg(root.join("2026-01-01-0003-pipe/journal.jsonl")).status().unwrap().success());
    for id in ["2026-01-01-0001-empty", "2026-01-01-0002-torn"] {
        let words = program.run(&["timeline", "verify", id]).exits(0).out;
        assert!(words.contains("never begun"), "{words}");
        let words = program.run(&["timeline", "close", id]).exits(0).out;
        assert!(words.contains("never begun") && words.contains("nothing to close"), "{words}");
        program.run(&["timeline", "show", id]).says(1, &["never begun"]);
        program.run(&["timeline", "note", "hello", "--incident", id]).says(1, &["never begun"]);
        let verified = program.json(0, "verification", &["timeline", "verify", id]);
        assert_eq!(
            (&verified["verification"]["never_begun"], &verified["verification"]["lines"]),
            (&true.into(), &0.into())
        );
    }
    program.run(&["timeline", "verify", "2026-01-01-0003-pipe"]).says(1, &["is a named pipe, not a file"]);
    let list = program.run(&["timeline", "list"]).exits(0).out;
    assert_eq!((list.matches("never begun").count(), list.matches("DAMAGED").count()), (2, 1), "{list}");
    program.run(&["sweep"]).exits(0);
    program.run(&["actions"]).says(0, &["2026-01-01-0003-pipe is damaged", "no action is missing"]);

    let blocked = ["apply", "block-ip", "--stage", "shop/prod", "203.0.113.7", "--confirm"];
    let plan = program.json(2, "plan", &["plan", "block-ip", "--stage", "shop/prod", "203.0.113.7"]);
    let done = program.json(0, "action", &[&blocked[..], &[plan["plan"]["confirm"].as_str().unwrap()]].concat());
    let id = done["action"]["id"].as_str().unwrap();
    let asked = program.run(&["undo", id]).exits(5);
    assert!(!asked.out.contains("unknown undo.claimed"), "{}", asked.out);
    program.run(&["undo", id, "--confirm", &phrase(&asked.out, "shop/prod").unwrap()]).exits(0);
}

#[test]
fn a_full_disk_leaves_no_incident_that_was_not_begun() {
    let served = served(60.0);
    let program = Program::new(&served.url);
    let command = program.command(&[]);
    let mut shell = Command::new("sh");
    // No file may grow: as on a disk that is full, but for the signal, which is ignored.
    let full = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    shell.arg("-c").arg(full).arg("sh").arg(command.get_program()).args(["timeline", "note", "hello"]);
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = shell.current_dir(program.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no room left to write"), "{said}");
    assert_eq!(program.run(&["timeline", "list"]).exits(0).out.trim(), "no incidents");
    program.run(&["timeline", "note", "hello"]).exits(0);
}

#[test]
fn a_reason_nobody_can_see_is_none_and_an_override_in_a_file_is_called_out() {
    let served = served(60.0);
    let program = Program::new(&served.url);
    let blocked = ["block-ip", "--stage", "shop/prod", "192.0.2.17", "--override", "block-ip.never-block", "--reason"];
    for reason in ["", " ", "\u{200b}", "\u{3164}\u{feff}"] {
        let stopped = program.run(&[&["plan"], &blocked[..], &[reason]].concat()).exits(3);
        assert!(stopped.out.contains("needs a --reason"), "{}", stopped.out);
    }
    let args = [&["plan"], &blocked[..], &["the partner is the attacker", "--save", "saved.json"]].concat();
    let shown = program.run(&args);
    assert!(matches!(shown.code, Some(2 | 3)), "{shown:?}");
    let words = ["saved.json OVERRIDES block-ip.never-block for the reason “the partner is the attacker”"];
    let applied = program.run(&["apply", "saved.json"]);
    assert!(words.iter().all(|word| applied.err.contains(word)), "{}", applied.err);
    program.run(&["timeline", "note", "\u{200b}"]).says(64, &["the note is empty"]);
}

#[tokio::test(start_paused = true)]
async fn a_single_strange_date_takes_nothing_back() {
    let world = flood(60.0).await;
    let mut four_hours = block(&["203.0.113.7"]);
    four_hours.terms.expires_after_seconds = Some(4 * 3_600);
    let done = world.apply(world.plan(&four_hours).await).await;
    let clock = world.aws.clock();
    for strange in [TimeDelta::days(1), TimeDelta::days(365), TimeDelta::hours(5)] {
        clock.learn(clock.now() + strange, Some(60.0));
        let swept = world.sweep().await.unwrap();
        assert!(swept.is_empty(), "{strange}: {swept:?}");
    }
    assert!(world.entries("shop-blocklist").contains(&"203.0.113.7/32".to_owned()));
    // Its time comes all the same.
    world.pass(4 * 3_600 + 1).await;
    let swept = world.sweep().await.unwrap();
    assert_eq!((swept.len(), &swept[0].action.id), (1, &done.action_id));
}

/// A port before `url` that lets everything through, and dates the first answer a day ahead.
fn first_answer_a_day_ahead(url: &str) -> String {
    let to = url.strip_prefix("http://").unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let dated = Arc::new(AtomicBool::new(false));
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, dated) = (client.unwrap(), Arc::clone(&dated));
            let mut server = TcpStream::connect(&to).unwrap();
            let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
            std::thread::spawn(move || {
                let mut bytes = vec![0; 1 << 20];
                while let Ok(read @ 1..) = server.read(&mut bytes) {
                    let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
                    let at = text.find("date: ").map(|at| at + "date: ".len());
                    if let Some(at) = at.filter(|_| !dated.swap(true, Ordering::SeqCst)) {
                        let date = DateTime::parse_from_rfc2822(&text[at..at + 29]).unwrap() + TimeDelta::days(1);
                        let ahead = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
                        bytes[at..at + 29].copy_from_slice(ahead.as_bytes());
                    }
                    if client.write_all(&bytes[..read]).is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

#[test]
fn one_answer_dated_a_day_ahead_takes_nothing_back() {
    let served = served(60.0);
    let mut program = Program::new(&served.url);
    let blocked = ["block-ip", "--stage", "shop/prod", "203.0.113.7", "--for", "4h"];
    let plan = program.json(2, "plan", &[&["plan"], &blocked[..]].concat());
    let confirm = plan["plan"]["confirm"].as_str().unwrap();
    program.run(&[&["apply"], &blocked[..], &["--confirm", confirm]].concat()).exits(0);
    program.set("AWS_ENDPOINT_URL", &first_answer_a_day_ahead(&served.url));
    let swept = program.run(&["sweep"]).exits(0);
    assert!(swept.out.contains("nothing has expired"), "{swept:?}");
    assert!(served.entries("shop-blocklist").contains(&"203.0.113.7/32".to_owned()));
}
