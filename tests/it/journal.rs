//! The journal on a real disk: chained, torn, tampered with, and shared.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::journal::{
    Entry, FILE_NAME, Follower, Found, Grant, Journal, JournalError, LONGEST_LINE, Reader, TORN_KIND, Wrong, read,
    set_aside, verify,
};
use portcullis::model::identity::Actor;
use serde_json::json;
use sha2::{Digest, Sha256};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-03-01T03:02:11.123Z").unwrap().to_utc() + TimeDelta::seconds(seconds)
}

fn entry(text: &str) -> Entry {
    Entry {
        at: at(0),
        kind: "note".to_owned(),
        actor: Actor {
            arn: "arn:aws:sts::111122223333:assumed-role/ops/alice".to_owned(),
            user: "alice".to_owned(),
            host: "desk".to_owned(),
        },
        data: json!({ "text": text }),
    }
}

fn journal_of(dir: &Path, lines: usize) -> Journal {
    let dir = dir.join("incident");
    // As one of version 0.1.0 that was killed before its first line.
    DirBuilder::new().mode(0o700).create(&dir).unwrap();
    let path = dir.join(FILE_NAME);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
    let journal = Journal::open(&path).unwrap();
    for number in 0..lines {
        journal.append(&entry(&format!("line {number}"))).unwrap();
    }
    journal
}

fn texts(path: &Path) -> Vec<String> {
    read(path).unwrap().lines.iter().filter_map(|l| l.data["text"].as_str().map(str::to_owned)).collect()
}

/// Written anew here, so that a misunderstanding is not shared with the code.
fn sha256(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text).iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}

#[test]
fn a_line_is_chained_hashed_over_its_raw_bytes_and_plain_ascii() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_of(dir.path(), 0);
    journal.append(&entry("käse \x1b[31m \u{202e}")).unwrap();
    journal.append(&entry("two")).unwrap();
    let bytes = fs::read(journal.path()).unwrap();
    assert!(bytes.iter().all(|b| *b == b'\n' || (0x20..0x7f).contains(b)));
    let text = String::from_utf8(bytes).unwrap();
    let mut prev = "0".repeat(64);
    for (number, line) in text.lines().enumerate() {
        let (body, rest) = line.rsplit_once(",\"hash\":\"").unwrap();
        let hash = rest.strip_suffix("\"}").unwrap();
        let computed: String = sha256(body);
        assert_eq!(hash, computed);
        assert!(body.starts_with(&format!(
            "{{\"seq\":{},\"at\":\"2026-03-01T03:02:11.123Z\",\"kind\":\"note\",\"actor\":",
            number + 1
        )));
        assert!(body.ends_with(&format!("\"prev\":\"{prev}\"")));
        prev = hash.to_owned();
    }
    assert_eq!(texts(journal.path()), ["käse \x1b[31m \u{202e}", "two"]);
    let found = verify(journal.path()).unwrap();
    assert!(found.is_intact());
    assert_eq!((found.lines, found.last_hash), (2, Some(prev)));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_of(dir.path(), 1);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(journal.path()), 0o600);
    assert_eq!(mode(journal.path().parent().unwrap()), 0o700);
}

#[test]
fn threads_append_without_loss() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_of(dir.path(), 0);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let journal = journal.clone();
            scope.spawn(move || {
                for number in 0..20 {
                    journal.append(&entry(&format!("{thread}/{number}"))).unwrap();
                }
            });
        }
    });
    let found = verify(journal.path()).unwrap();
    assert!(found.is_intact(), "{:?}", found.fault);
    assert_eq!(found.lines, 160);
    let mut seen = texts(journal.path());
    for thread in 0..8 {
        let prefix = format!("{thread}/");
        let own: Vec<&String> = seen.iter().filter(|t| t.starts_with(&prefix)).collect();
        let in_order: Vec<String> = (0..20).map(|n| format!("{thread}/{n}")).collect();
        assert_eq!(own, in_order.iter().collect::<Vec<_>>());
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 160);
}

/// Another process that appends for ever, or as often as it is told, and says each time that a line is on disk.
fn writer(path: &Path, name: &str, lines: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "journal::child_writer", "--ignored", "--nocapture"])
        .env("PORTCULLIS_TEST_JOURNAL", path)
        .env("PORTCULLIS_TEST_NAME", name)
        .env("PORTCULLIS_TEST_LINES", lines)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "the other process of the tests below; does nothing by itself"]
fn child_writer() {
    let Ok(path) = std::env::var("PORTCULLIS_TEST_JOURNAL") else {
        return;
    };
    let name = std::env::var("PORTCULLIS_TEST_NAME").unwrap();
    let lines: u32 = std::env::var("PORTCULLIS_TEST_LINES").unwrap().parse().unwrap();
    let journal = Journal::open(Path::new(&path)).unwrap();
    for number in 0..lines {
        let text = format!("{name}/{number} {}", "x".repeat(4000));
        journal.append(&entry(&text)).unwrap();
        println!("\nwritten {name}/{number}");
    }
}

#[test]
fn processes_append_without_loss() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_of(dir.path(), 0);
    let children: Vec<Child> = ["a", "b", "c"].iter().map(|name| writer(journal.path(), name, "15")).collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let found = verify(journal.path()).unwrap();
    assert!(found.is_intact(), "{:?}", found.fault);
    assert_eq!(found.lines, 45);
}

#[test]
fn what_a_killed_process_said_was_written_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_of(dir.path(), 0);
    let mut child = writer(journal.path(), "k", "100000");
    let mut said = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        if let Some(name) = line.unwrap().strip_prefix("written ") {
            said.push(name.to_owned());
        }
        if said.len() == 12 {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    journal.append(&entry("the next start")).unwrap();
    let found = verify(journal.path()).unwrap();
    assert!(found.is_intact(), "{:?}", found.fault);
    assert_eq!(found.torn, None);
    let there = texts(journal.path());
    assert_eq!(there.last().unwrap(), "the next start");
    for name in said {
        assert!(there.iter().any(|t| t.starts_with(&format!("{name} "))));
    }
}

#[test]
fn cut_at_any_byte_every_whole_line_stays_and_the_rest_is_torn_not_tampered() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_of(dir.path(), 3);
    let whole = fs::read(journal.path()).unwrap();
    let ends: Vec<usize> = (0..whole.len()).filter(|i| whole[*i] == b'\n').collect();
    for cut in 0..=whole.len() {
        fs::write(journal.path(), &whole[..cut]).unwrap();
        // A line is whole with its last brace, even before its line end.
        let lines = ends.iter().filter(|end| **end <= cut).count();
        let clean = cut == 0 || ends.iter().any(|end| cut == *end || cut == end + 1);
        let contents = read(journal.path()).unwrap();
        assert_eq!(contents.lines.len(), lines, "cut at {cut}");
        assert_eq!(contents.unreadable, [], "cut at {cut}");
        assert_eq!(contents.torn.is_none(), clean, "cut at {cut}");
        let found = verify(journal.path()).unwrap();
        assert!(found.is_intact(), "cut at {cut}: {:?}", found.fault);
        assert_eq!(found.lines, lines as u64);
        assert_eq!(found.torn, contents.torn);
    }
}

#[test]
fn a_torn_line_is_set_aside_whole_and_said_so() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_of(dir.path(), 2);
    for (number, torn) in ["{\"seq\":3,\"at\":\"20", "half", "\0\0\0\0", "{\"seq\"\0\0\n"].iter().enumerate() {
        let mut file = OpenOptions::new().append(true).open(journal.path()).unwrap();
        file.write_all(torn.as_bytes()).unwrap();
        let before = verify(journal.path()).unwrap();
        assert!(before.is_intact());
        assert_eq!(before.torn.unwrap().bytes, torn.len() as u64);

        let receipt = journal.append(&entry("after")).unwrap();
        let kept = receipt.set_aside.unwrap();
        assert_eq!(kept.file_name().unwrap().to_str().unwrap(), format!("{FILE_NAME}.torn-{}", number + 1));
        assert_eq!(fs::read_to_string(&kept).unwrap(), *torn);
        let lines = read(journal.path()).unwrap().lines;
        let fact = &lines[lines.len() - 2];
        assert_eq!(fact.kind, TORN_KIND);
        assert_eq!(fact.data["bytes"], torn.len());
        assert_eq!(receipt.seq, lines.len() as u64);
    }
    assert_eq!(set_aside(journal.path()).unwrap().len(), 4);
    let found = verify(journal.path()).unwrap();
    assert!(found.is_intact(), "{:?}", found.fault);
    assert_eq!((found.lines, found.torn), (10, None));
    assert_eq!(texts(journal.path())[..2], ["line 0", "line 1"]);
}

#[test]
fn a_line_that_lacks_only_its_line_end_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_of(dir.path(), 2);
    let whole = fs::read(journal.path()).unwrap();
    fs::write(journal.path(), &whole[..whole.len() - 1]).unwrap();
    let receipt = journal.append(&entry("after")).unwrap();
    assert_eq!((receipt.seq, receipt.set_aside), (3, None));
    assert!(verify(journal.path()).unwrap().is_intact());
    assert_eq!(texts(journal.path()), ["line 0", "line 1", "after"]);
}

/// Rewrites the journal line by line.
fn tamper(path: &Path, change: impl FnOnce(&mut Vec<String>)) {
    let text = fs::read_to_string(path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

fn rehashed(line: &str) -> String {
    let (body, _) = line.rsplit_once(",\"hash\":\"").unwrap();
    let hash: String = sha256(body);
    format!("{body},\"hash\":\"{hash}\"}}")
}

#[test]
fn tampering_is_found_at_the_first_line_it_shows_in() {
    type Change = fn(&mut Vec<String>);
    type Expect = fn(&Wrong) -> bool;
    let cases: [(&str, u64, Change, Expect); 8] = [
        ("a word changed", 2, |l| l[1] = l[1].replace("line 1", "LINE 1"), |w| matches!(w, Wrong::Hash { .. })),
        (
            "a word changed and hashed again",
            3,
            |l| l[1] = rehashed(&l[1].replace("line 1", "LINE 1")),
            |w| matches!(w, Wrong::Chain { .. }),
        ),
        (
            "a hash changed",
            5,
            |l| l[4] = l[4].replace("\"hash\":\"", "\"hash\":\"0"),
            |w| matches!(w, Wrong::NotALine(_)),
        ),
        (
            "a line taken out",
            3,
            |l| {
                l.remove(2);
            },
            |w| matches!(w, Wrong::Sequence { expected: 3, said: 4 }),
        ),
        (
            "the first line taken out",
            1,
            |l| {
                l.remove(0);
            },
            |w| matches!(w, Wrong::Sequence { .. }),
        ),
        ("two lines swapped", 2, |l| l.swap(1, 2), |w| matches!(w, Wrong::Sequence { .. })),
        ("a line put in", 2, |l| l.insert(1, "{}".to_owned()), |w| matches!(w, Wrong::NotALine(_))),
        (
            "a line numbered again",
            4,
            |l| {
                l.remove(2);
                l[2] = rehashed(&l[2].replace("\"seq\":4", "\"seq\":3"));
                l.insert(2, rehashed(&l[2]));
            },
            |w| matches!(w, Wrong::Chain { .. } | Wrong::Sequence { .. }),
        ),
    ];
    for (what, line, change, expect) in cases {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal_of(dir.path(), 5);
        tamper(journal.path(), change);
        let found = verify(journal.path()).unwrap();
        let fault = found.fault.unwrap_or_else(|| panic!("{what}: not noticed"));
        assert!(expect(&fault.wrong), "{what}: {:?}", fault.wrong);
        if what != "a line numbered again" {
            assert_eq!(fault.number, line, "{what}");
            assert_eq!(found.lines, line - 1, "{what}");
        }
        // Reading goes on over it.
        assert!(read(journal.path()).unwrap().lines.len() >= 4, "{what}");
    }
}

#[test]
fn a_last_line_that_nobody_here_wrote_is_not_chained_to() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_of(dir.path(), 1);
    tamper(journal.path(), |lines| lines.push("scribble".to_owned()));
    let before = fs::read(journal.path()).unwrap();
    let error = journal.append(&entry("x")).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("open a new incident"));
    assert_eq!(fs::read(journal.path()).unwrap(), before);
}

#[test]
fn a_line_too_long_to_be_one_is_skipped_and_never_written() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_of(dir.path(), 2);
    let error = journal.append(&entry(&"x".repeat(LONGEST_LINE))).unwrap_err();
    assert!(matches!(error, JournalError::TooLong { .. }), "{error}");
    assert_eq!(texts(journal.path()).len(), 2);

    tamper(journal.path(), |lines| {
        lines.insert(1, "y".repeat(LONGEST_LINE * 2));
    });
    let contents = read(journal.path()).unwrap();
    assert_eq!(contents.lines.len(), 2);
    assert!(matches!(contents.unreadable[0].wrong, Wrong::TooLong(_)));
}

fn grant(resource: &str) -> Grant {
    Grant { service: "wafv2".to_owned(), operation: "UpdateIPSet".to_owned(), resource: resource.to_owned() }
}

#[test]
fn a_ticket_permits_exactly_what_was_granted_and_its_intent_is_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_of(dir.path(), 0);
    let ticket = journal
        .append_intent(
            &entry("intent"),
            vec![grant("arn:set/a"), grant("arn:set/b")],
            "7f3a00",
            "111122223333",
            "eu-west-1",
        )
        .unwrap();
    assert_eq!(texts(journal.path()), ["intent"]);
    assert_eq!((ticket.action_id(), ticket.account(), ticket.region()), ("7f3a00", "111122223333", "eu-west-1"));
    assert!(ticket.permits("wafv2", "UpdateIPSet", "arn:set/a"));
    assert!(ticket.permits("wafv2", "UpdateIPSet", "arn:set/b"));
    for (service, operation, resource) in [
        ("wafv2", "UpdateIPSet", "arn:set/c"),
        ("wafv2", "UpdateIPSet", "arn:set/"),
        ("wafv2", "UpdateIPSet", "*"),
        ("wafv2", "DeleteIPSet", "arn:set/a"),
        ("apigateway", "UpdateIPSet", "arn:set/a"),
        ("wafv2", "updateipset", "arn:set/a"),
    ] {
        assert!(!ticket.permits(service, operation, resource), "{operation} {resource}");
    }
}

#[test]
fn without_the_intent_on_disk_there_is_no_ticket() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_of(dir.path(), 0);
    fs::remove_file(journal.path()).unwrap();
    let intent = |journal: &Journal| journal.append_intent(&entry("intent"), vec![grant("arn")], "a", "1", "r");
    assert!(matches!(intent(&journal), Err(JournalError::Missing { .. })));
    std::os::unix::fs::symlink("/dev/full", journal.path()).unwrap();
    let error = intent(&journal).unwrap_err();
    assert!(matches!(error, JournalError::NotAFile { found: "a link", .. }), "{error}");
}

#[test]
fn a_follower_takes_every_line_once_and_no_half_line() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_of(dir.path(), 5);
    let mut follower = Follower::from_start(journal.path());
    let first = follower.poll(3).unwrap();
    assert_eq!((first.lines.len(), first.more), (3, true));
    let second = follower.poll(3).unwrap();
    assert_eq!((second.lines.len(), second.more), (2, false));
    assert_eq!(follower.poll(3).unwrap().lines, []);

    journal.append(&entry("six")).unwrap();
    let whole = fs::read(journal.path()).unwrap();
    let start = usize::try_from(follower.offset()).unwrap();
    for cut in start..whole.len() {
        fs::write(journal.path(), &whole[..cut]).unwrap();
        let batch = follower.poll(3).unwrap();
        assert_eq!((batch.lines.len(), batch.restarted, batch.more), (0, false, false), "{cut}");
    }
    fs::write(journal.path(), &whole).unwrap();
    let batch = follower.poll(3).unwrap();
    assert_eq!((batch.lines[0].seq, batch.restarted), (6, false));
}

#[test]
fn a_follower_begins_again_when_the_journal_is_another_one() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_of(dir.path(), 5);
    let whole = fs::read_to_string(journal.path()).unwrap();
    let mut follower = Follower::from_start(journal.path());
    follower.poll(100).unwrap();
    tamper(journal.path(), |lines| lines.truncate(2));
    let batch = follower.poll(100).unwrap();
    assert_eq!((batch.lines.len(), batch.restarted), (2, true));

    // Cut back and written on: longer than before, and not the continuation of what was taken.
    let longer = whole.replace("line 1", "a longer line 1");
    fs::write(journal.path(), longer).unwrap();
    let batch = follower.poll(100).unwrap();
    assert!(batch.restarted);
}

#[test]
fn a_reader_stops_where_the_journal_ended_when_it_was_opened() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_of(dir.path(), 2);
    let reader = Reader::open(journal.path()).unwrap();
    journal.append(&entry("later")).unwrap();
    let found: Vec<Found> = reader.map(Result::unwrap).collect();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|f| matches!(f, Found::Line(_))));
}

#[test]
fn creating_twice_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_of(dir.path(), 1);
    let again = Journal::begin(journal.path().parent().unwrap(), &entry("again"));
    assert!(matches!(again, Err(JournalError::AlreadyThere { .. })));
    assert!(matches!(Journal::open(&dir.path().join("nowhere")), Err(JournalError::Missing { .. })));
    assert_eq!(texts(journal.path()).len(), 1);
}
