#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::decode::{Decoder, ESCAPE, UNENDED, Waiting};
use super::{Event, Keyboard, StopReason, decoded, keys};

const NONE: KeyModifiers = KeyModifiers::NONE;
const AT_ONCE: Duration = Duration::ZERO;

/// Pieces with the pause before each, as the task below the keyboard would pass them on, and a long silence at the end.
fn played(pieces: &[(Duration, Vec<u8>)]) -> Vec<TerminalEvent> {
    let mut decoder = Decoder::default();
    let mut heard = Vec::new();
    for (pause, piece) in pieces.iter().chain([&(Duration::from_secs(9), Vec::new())]) {
        loop {
            let patience = match decoder.waiting() {
                Waiting::No => break,
                Waiting::Escape => ESCAPE,
                Waiting::End => UNENDED,
            };
            if *pause < patience {
                break;
            }
            heard.extend(decoder.gave_up());
        }
        heard.extend(decoder.read(piece, *pause));
    }
    heard
}

fn at_once(bytes: &[u8]) -> Vec<TerminalEvent> {
    played(&[(AT_ONCE, bytes.to_vec())])
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> TerminalEvent {
    TerminalEvent::Key(KeyEvent::new(code, modifiers))
}

fn is_key(event: &TerminalEvent) -> bool {
    matches!(event, TerminalEvent::Key(_))
}

#[test]
fn every_key_is_one() {
    let (shift, alt, control) = (KeyModifiers::SHIFT, KeyModifiers::ALT, KeyModifiers::CONTROL);
    for (bytes, code, modifiers) in [
        (&b"q"[..], KeyCode::Char('q'), NONE),
        (b"G", KeyCode::Char('G'), shift),
        (b"?", KeyCode::Char('?'), NONE),
        ("é".as_bytes(), KeyCode::Char('é'), NONE),
        ("店".as_bytes(), KeyCode::Char('店'), NONE),
        (b"\r", KeyCode::Enter, NONE),
        (b"\n", KeyCode::Char('j'), control),
        (b"\t", KeyCode::Tab, NONE),
        (b"\x7f", KeyCode::Backspace, NONE),
        (b"\x08", KeyCode::Char('h'), control),
        (b"\x00", KeyCode::Char(' '), control),
        (b"\x03", KeyCode::Char('c'), control),
        (b"\x1a", KeyCode::Char('z'), control),
        (b"\x1c", KeyCode::Char('4'), control),
        (b"\x1b", KeyCode::Esc, NONE),
        (b"\x1b\x1b", KeyCode::Esc, NONE),
        (b"\x1b[A", KeyCode::Up, NONE),
        (b"\x1bOA", KeyCode::Up, NONE),
        (b"\x1b[1;5C", KeyCode::Right, control),
        (b"\x1b[1;2D", KeyCode::Left, shift),
        (b"\x1b\x1b[B", KeyCode::Down, alt),
        (b"\x1b[H", KeyCode::Home, NONE),
        (b"\x1b[1~", KeyCode::Home, NONE),
        (b"\x1b[4~", KeyCode::End, NONE),
        (b"\x1b[8~", KeyCode::End, NONE),
        (b"\x1bOF", KeyCode::End, NONE),
        (b"\x1b[2~", KeyCode::Insert, NONE),
        (b"\x1b[3;5~", KeyCode::Delete, control),
        (b"\x1b[5~", KeyCode::PageUp, NONE),
        (b"\x1b[6~", KeyCode::PageDown, NONE),
        (b"\x1b[Z", KeyCode::BackTab, shift),
        (b"\x1bOP", KeyCode::F(1), NONE),
        (b"\x1b[[A", KeyCode::F(1), NONE),
        (b"\x1b[11~", KeyCode::F(1), NONE),
        (b"\x1bOR", KeyCode::F(3), NONE),
        (b"\x1b[15~", KeyCode::F(5), NONE),
        (b"\x1b[17~", KeyCode::F(6), NONE),
        (b"\x1b[21~", KeyCode::F(10), NONE),
        (b"\x1b[24;2~", KeyCode::F(12), shift),
        (b"\x1bx", KeyCode::Char('x'), alt),
        (b"\x1bX1\x1b\\\x1bG", KeyCode::Char('G'), shift | alt),
        (b"\x1b\r", KeyCode::Enter, alt),
        (b"\x1b\x7f", KeyCode::Backspace, alt),
        ("\x1bé".as_bytes(), KeyCode::Char('é'), alt),
        (b"\x1b/", KeyCode::Char('/'), alt),
        (b"\x1b[120;5u", KeyCode::Char('x'), control),
        (b"\x1b[27;5;120~", KeyCode::Char('x'), control),
        (b"\x1b[9;2u", KeyCode::BackTab, shift),
        (b"\x9bA", KeyCode::Up, NONE),
        ("\u{9b}A".as_bytes(), KeyCode::Up, NONE),
    ] {
        assert_eq!(at_once(bytes), [key(code, modifiers)], "{bytes:?}");
    }
    let released = KeyEvent::new_with_kind(KeyCode::Up, NONE, KeyEventKind::Release);
    assert_eq!(at_once(b"\x1b[1;1:3A"), [TerminalEvent::Key(released)]);
}

/// What terminals send that know the kitty protocol, with its flags 1 and 4.
#[test]
fn keys_of_the_kitty_protocol_are_keys() {
    let (shift, alt, control) = (KeyModifiers::SHIFT, KeyModifiers::ALT, KeyModifiers::CONTROL);
    for (bytes, code, modifiers) in [
        (&b"\x1b[27u"[..], KeyCode::Esc, NONE),
        (b"\x1b[105;5u", KeyCode::Char('i'), control),
        (b"\x1b[109;5u", KeyCode::Char('m'), control),
        (b"\x1b[91;5u", KeyCode::Char('['), control),
        (b"\x1b[104;5u", KeyCode::Char('h'), control),
        (b"\x1b[13;2u", KeyCode::Enter, shift),
        (b"\x1b[127;5u", KeyCode::Backspace, control),
        (b"\x1b[32;5u", KeyCode::Char(' '), control),
        (b"\x1b[97:65;6u", KeyCode::Char('A'), shift | control),
        // With Num Lock and Caps Lock, which are nobody's.
        (b"\x1b[99;197u", KeyCode::Char('c'), control),
        (b"\x1b[1;129A", KeyCode::Up, NONE),
        // Alt-< on a keyboard of the USA, and where nothing is said of Shift.
        (b"\x1b[44:60;4u", KeyCode::Char('<'), shift | alt),
        (b"\x1b[118;4u", KeyCode::Char('V'), shift | alt),
        ("\x1b[246:214;4u".as_bytes(), KeyCode::Char('Ö'), shift | alt),
        // Ctrl and the key that has с on it and c in its place; Alt and ф are Alt and ф.
        (b"\x1b[1089::99;5u", KeyCode::Char('c'), control),
        (b"\x1b[1092::97;3u", KeyCode::Char('ф'), alt),
        (b"\x1b[120;9u", KeyCode::Char('x'), KeyModifiers::SUPER),
        (b"\x1b[120;33u", KeyCode::Char('x'), KeyModifiers::META),
        (b"\x1b[57414u", KeyCode::Enter, NONE),
        (b"\x1b[57400;129u", KeyCode::Char('1'), NONE),
        (b"\x1b[57419;5u", KeyCode::Up, control),
        (b"\x1b[57376u", KeyCode::F(13), NONE),
        (b"\x1b[13~", KeyCode::F(3), NONE),
        (b"\x1b[1;5P", KeyCode::F(1), control),
    ] {
        assert_eq!(at_once(bytes), [key(code, modifiers)], "{:?}", String::from_utf8_lossy(bytes));
    }
    let let_go = at_once(b"\x1b[105;5:3u");
    assert!(matches!(let_go[..], [TerminalEvent::Key(KeyEvent { kind: KeyEventKind::Release, .. })]));
    // Locks, modifiers by themselves, volume, what is no character, what is too large, parts that are no numbers.
    for bytes in [
        &b"\x1b[57358u"[..],
        b"\x1b[57441;2u",
        b"\x1b[57439u",
        b"\x1b[55296u",
        b"\x1b[1114112u",
        b"\x1b[99999999999u",
        b"\x1b[u",
        b"\x1b[1;2;3;4u",
        b"\x1b[3u",
        b"\x1b[128u",
        b"\x1b[>5u",
        b"\x1b[<u",
        b"\x1b[=5;1u",
    ] {
        assert_eq!(at_once(&[bytes, b"q"].concat()), [key(KeyCode::Char('q'), NONE)], "{bytes:?}");
    }
}

/// What is told of the keyboard, besides what was heard.
fn told(pieces: &[&[u8]]) -> (Vec<TerminalEvent>, Option<u32>) {
    let mut decoder = Decoder::default();
    let heard = pieces.iter().flat_map(|piece| decoder.read(piece, AT_ONCE)).collect();
    (heard, decoder.take_kitty_flags())
}

#[test]
fn what_a_terminal_answers_of_its_keyboard_is_told_and_is_no_key() {
    let q = || vec![key(KeyCode::Char('q'), NONE)];
    assert_eq!(told(&[b"\x1b[?1u"]), (vec![], Some(1)));
    assert_eq!(told(&[b"\x1b[?5uq"]), (q(), Some(5)));
    assert_eq!(told(&[b"\x1b[?0u"]), (vec![], Some(0)));
    // Late, in pieces, and together with the answers to what others have asked.
    assert_eq!(told(&[b"\x1b]11;rgb:0/0/0\x1b\\\x1b[?1u\x1b[?62;22cq"]), (q(), Some(1)));
    assert_eq!(told(&[b"\x1b", b"[?", b"1", b"uq"]), (q(), Some(1)));
    assert_eq!(told(&[b"\x1b[?u\x1b[1u\x1b[?1;2u\x1b[?xu"]).1, None);
    // Part of a string is no answer.
    assert_eq!(told(&[b"\x1b]0;\x1b[?1uq\x1b\\"]).1, None);
}

#[test]
fn a_background_is_told_by_its_answer_and_by_nothing_else() {
    let told = |pieces: &[&[u8]]| {
        let mut decoder = Decoder::default();
        let keys: Vec<_> = pieces.iter().flat_map(|piece| decoder.read(piece, AT_ONCE)).collect();
        (keys.len(), decoder.take_background())
    };
    for light in ["\x1b]11;rgb:ffff/ffff/ffff\x1b\\", "\x1b]11;rgb:fd/f6/e3\x07", "\x1b]11;rgba:f/f/f/f\x1b\\"] {
        assert_eq!(told(&[light.as_bytes()]), (0, Some(true)), "{light:?}");
    }
    assert_eq!(told(&[b"\x1b]11;rgb:0000/0000/0000\x1b\\"]), (0, Some(false)));
    assert_eq!(told(&[b"\x1b]1", b"1;rgb:ffff/", b"ffff/ffff\x1b", b"\\"]), (0, Some(true)), "in pieces");
    // Text, something cut, other answers, one that is far too long.
    let long = format!("\x1b]11;rgb:{}\x07", "f".repeat(5_000));
    for other in
        ["\x1b]10;rgb:ffff/ffff/ffff\x07", "\x1b]11;rgb:ffff/ffff\x07", "\x1b]11;?\x07", "\x1b]11;rgb:x/y/z\x07", &long]
    {
        assert_eq!(told(&[other.as_bytes()]), (0, None), "{other:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_console_is_told_that_keys_are_told_apart() {
    let (pieces, pieces_in) = mpsc::unbounded_channel();
    let (events_out, events) = mpsc::unbounded_channel();
    let mut keyboard = Keyboard::of(events);
    let task = tokio::spawn(decoded(pieces_in, events_out));
    // Flags without the one that counts are no answer to go by.
    pieces.send(b"\x1b[?4u\x1b[?1u\x1b[105;5u".to_vec()).unwrap();
    assert!(matches!(keyboard.next().await, Event::KeysToldApart));
    assert!(
        matches!(keyboard.next().await, Event::Terminal(event) if event == key(KeyCode::Char('i'), KeyModifiers::CONTROL))
    );
    pieces.send(b"\x1b[?4u".to_vec()).unwrap();
    drop(pieces);
    assert!(matches!(keyboard.next().await, Event::Stop(StopReason::Hangup)));
    task.await.unwrap();
}

#[test]
fn answers_are_nothing() {
    for answer in [
        &b"\x1b]10;rgb:ffff/ffff/ffff\x07"[..],
        b"\x1b]11;rgb:0000/0000/0000\x1b\\",
        b"\x1b]52;c;eHh4\x07",
        b"\x1bP1+r436f=323536\x1b\\",
        b"\x1bP>|xterm(390)\x1b\\",
        b"\x1b_Gi=31;OK\x1b\\",
        b"\x1b[?64;1;2;6;22c",
        b"\x1b[>41;390;0c",
        b"\x1b[24;80R",
        b"\x1b[1;5R",
        b"\x1b[0n",
        b"\x1b[8;24;80t",
        b"\x1b[?2026;2$y",
        b"\x1b[?1u",
        b"\x1b[?62u",
        b"\x1b[I\x1b[O",
        b"\x1b[<0;12;7M\x1b[<0;12;7m",
        b"\x1b[35;12;7M",
        b"\x1b[M qq",
        "\x1b[M qé".as_bytes(),
        b"\x1b[201~",
        b"\x1b(B",
        b"\x1b%G",
        b"\x9d10;rgb:0000/0000/0000\x9c",
        "\u{9d}10;rgb:0000/0000/0000\u{9c}".as_bytes(),
        b"\x1b\\",
        b"\x80\xff\xc3",
    ] {
        assert_eq!(at_once(answer), [], "{:?}", String::from_utf8_lossy(answer));
        let and_q = [answer, b"q"].concat();
        assert_eq!(at_once(&and_q), [key(KeyCode::Char('q'), NONE)], "{:?}", String::from_utf8_lossy(answer));
    }
}

#[test]
fn a_paste_is_a_paste_with_brackets_or_without() {
    let text = "x\rF\u{1b}[201z/ käse 店";
    let bracketed = format!("\x1b[200~{text}\x1b[201~q");
    let whole = [TerminalEvent::Paste(text.into()), key(KeyCode::Char('q'), NONE)];
    assert_eq!(at_once(bracketed.as_bytes()), whole);
    let bytes: Vec<_> = bracketed.bytes().map(|byte| (ESCAPE * 3 / 4, vec![byte])).collect();
    assert_eq!(played(&bytes), whole);
    // More at once than anybody types, in several reads.
    let pieces = [b"the first of two lines, and\rX\rF".to_vec(), b"FFFF and the rest".to_vec()];
    let pieces: Vec<_> = pieces.into_iter().map(|piece| [vec![b'x'; 20], piece].concat()).collect();
    let pasted = [(AT_ONCE, pieces[0].clone()), (Duration::from_millis(2), pieces[1].clone())];
    assert!(!played(&pasted).iter().any(is_key));
    let after =
        [pasted[0].clone(), (Duration::from_millis(2), b"F".to_vec()), (Duration::from_millis(40), b"q".to_vec())];
    assert_eq!(played(&after).iter().filter(|event| is_key(event)).count(), 1);
}

#[test]
fn what_does_not_end_can_be_left() {
    let second = Duration::from_secs(2);
    for begun in [&b"\x1b]10;rgb:"[..], b"\x1bP", b"\x1b_G", b"\x1b[200~rm -rf", b"\x1b[200~\x1b[20"] {
        for escape in [&b"\x1b"[..], b"\x1b[27u", b"\x1b[27;129u"] {
            let escaped = [(AT_ONCE, begun.to_vec()), (second, b"qqq".to_vec()), (second, escape.to_vec())];
            assert_eq!(played(&escaped), [], "{begun:?}");
            let mut then = escaped.to_vec();
            then.push((second, b"q".to_vec()));
            assert_eq!(played(&then), [key(KeyCode::Char('q'), NONE)], "{begun:?}");
        }
    }
    for cancel in [b"\x03", b"\x18", b"\x1a"] {
        let pieces = [(AT_ONCE, b"\x1b]0;t".to_vec()), (second, cancel.to_vec()), (second, b"q".to_vec())];
        assert_eq!(played(&pieces), [key(KeyCode::Char('q'), NONE)]);
    }
}

/// Bytes that no string ends with.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let any = any::<u8>().prop_filter("ends a string", |b| ![0x03, 0x07, 0x18, 0x1a, 0x1b, 0x9c].contains(b));
    let likely = select(&b"10;rgb:ffFxXqs\r\n ?/[]OPM~"[..]);
    vec(prop_oneof![any, likely], 0..40)
}

/// A control string, whether it ends, and with what.
fn string() -> impl Strategy<Value = (Vec<u8>, bool)> {
    let begins =
        select(vec![&b"\x1b]"[..], b"\x1bP", b"\x1bX", b"\x1b^", b"\x1b_", b"\x9d", b"\x90", b"\xc2\x9d", b"\x9f"]);
    (begins, payload(), select(vec![&b""[..], b"\x07", b"\x1b\\"])).prop_map(|(begins, payload, ends)| {
        let is_osc = matches!(begins.last(), Some(b']' | 0x9d));
        // What a lead byte would make of a bell or an escape is not asked here.
        let ends = if ends == b"\x07" && !is_osc { &b"\x1b\\"[..] } else { ends };
        ([begins, &payload, ends].concat(), !ends.is_empty())
    })
}

/// A control sequence that is no key.
fn sequence() -> impl Strategy<Value = (Vec<u8>, bool)> {
    let parameters = vec(select(&b"0123456789;:?<=>!\"$' "[..]), 0..12);
    (select(vec![&b"\x1b["[..], b"\x9b", b"\xc2\x9b"]), parameters, 0x40..=0x7e_u8).prop_filter_map(
        "a key, a paste or a report of the mouse",
        |(begins, parameters, last)| {
            let other = parameters.is_empty() && matches!(last, b'M' | b't' | b'T' | b'[');
            let is_key = keys::sequence(&parameters, last).is_some() || (parameters == b"200" && last == b'~');
            (!other && !is_key).then(|| ([begins, &parameters, &[last]].concat(), true))
        },
    )
}

/// A report of the mouse in the oldest form.
fn report() -> impl Strategy<Value = (Vec<u8>, bool)> {
    vec(0x20..=0x7f_u8, 3).prop_map(|bytes| ([&b"\x1b[M"[..], &bytes].concat(), true))
}

/// `bytes` cut anywhere, with a pause before each piece. Only where an escape has come by itself may what follows not
/// come byte by byte after pauses as long as a person's: nobody can tell that from typing.
fn cut(bytes: &[u8], cuts: &[(Index, u64)]) -> Vec<(Duration, Vec<u8>)> {
    let mut at: Vec<(usize, u64)> = cuts.iter().map(|(index, pause)| (index.index(bytes.len() + 1), *pause)).collect();
    at.sort_unstable();
    at.dedup_by_key(|cut| cut.0);
    let mut pieces = Vec::new();
    let (mut from, mut pause) = (0, 0);
    for (to, next) in at.into_iter().chain([(bytes.len(), 0)]) {
        pieces.push((Duration::from_millis(pause), bytes[from..to].to_vec()));
        (from, pause) = (to, next);
    }
    pieces.retain(|(_, piece)| !piece.is_empty());
    for n in 1..pieces.len() {
        let lone = pieces[n - 1].1.last() == Some(&0x1b) && pieces[n].1.len() == 1;
        if lone && pieces[n].1 != b"\\" {
            pieces[n].0 = pieces[n].0.min(ESCAPE / 2);
        }
    }
    pieces
}

/// Reads that are so many milliseconds apart are of one write.
#[allow(clippy::cast_possible_truncation)]
const BORDER: u64 = ESCAPE.as_millis() as u64;

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Sequences of every kind, with anything in them, cut anywhere, with any pauses: none of it is a key. Only an
    /// escape that was followed by silence may have been one.
    #[test]
    fn no_sequence_is_taken_for_keys(
        (bytes, ends) in prop_oneof![3 => string(), 2 => sequence(), 1 => report()],
        cuts in vec((any::<Index>(), select(&[0_u64, 5, 40, 60, 400, 1_500, 8_000][..])), 0..6),
    ) {
        let pieces = cut(&bytes, &cuts);
        let alone = pieces.windows(2).any(|pair| pair[0].1 == [0x1b] && pair[1].0 >= ESCAPE);
        let heard = played(&pieces);
        let escape = key(KeyCode::Esc, NONE);
        let keys: Vec<_> = heard.iter().filter(|event| **event != escape || !alone).collect();
        prop_assert!(keys.is_empty(), "{:?} of {:?}", keys, pieces);
        if ends {
            let mut then = pieces;
            then.push((Duration::from_millis(20), b"q".to_vec()));
            prop_assert_eq!(played(&then).pop(), Some(key(KeyCode::Char('q'), NONE)), "{:?}", then);
        }
    }

    /// Whatever has come: Esc, twice at the most, and keys are heard again.
    #[test]
    fn the_keyboard_can_always_be_had_back(bytes in vec(any::<u8>(), 0..60), cuts in vec((any::<Index>(), select(&[0_u64, 60, 1_500][..])), 0..4)) {
        let mut pieces = cut(&bytes, &cuts);
        for key in [b"\x1b", b"\x1b", b"q"] {
            pieces.push((Duration::from_secs(2), key.to_vec()));
        }
        prop_assert_eq!(played(&pieces).pop(), Some(key(KeyCode::Char('q'), NONE)), "{:?}", pieces);
    }

    /// How bytes are cut into reads makes no difference.
    #[test]
    fn reads_are_no_borders(bytes in vec(prop_oneof![any::<u8>(), select(&b"\x1b\x1b[]O0;12~uqM\xc2\x9b"[..])], 0..30), cuts in vec((any::<Index>(), 0..BORDER), 0..6)) {
        prop_assert_eq!(played(&cut(&bytes, &cuts)), at_once(&bytes));
    }
}

#[tokio::test(start_paused = true)]
async fn escape_is_heard_after_a_moment_and_a_sequence_without_end_is_said() {
    let (pieces, pieces_in) = mpsc::unbounded_channel();
    let (events_out, events) = mpsc::unbounded_channel();
    let mut keyboard = Keyboard::of(events);
    let task = tokio::spawn(decoded(pieces_in, events_out));
    sleep(Duration::from_secs(1)).await;
    let pressed = tokio::time::Instant::now();
    pieces.send(b"\x1b".to_vec()).unwrap();
    assert!(matches!(keyboard.next().await, Event::Terminal(event) if event == key(KeyCode::Esc, NONE)));
    assert!(pressed.elapsed() < Duration::from_millis(60), "{:?}", pressed.elapsed());
    pieces.send(b"q".to_vec()).unwrap();
    assert!(matches!(keyboard.next().await, Event::Terminal(event) if event == key(KeyCode::Char('q'), NONE)));
    pieces.send(b"\x1b]10;rgb:ff".to_vec()).unwrap();
    assert!(matches!(keyboard.next().await, Event::Unended));
    sleep(Duration::from_mins(1)).await;
    pieces.send(b"ff/ffff/ffff\x07".to_vec()).unwrap();
    sleep(Duration::from_mins(1)).await;
    assert!(keyboard.waiting().is_none(), "said once, and no key");
    drop(pieces);
    assert!(matches!(keyboard.next().await, Event::Stop(StopReason::Hangup)));
    task.await.unwrap();
}

#[test]
fn a_key_behind_an_answer_that_followed_a_paste_is_a_key() {
    let soon = Duration::from_millis(5);
    let heard = played(&[
        (AT_ONCE, b"fX fX fX fX fX fX fX fX fX fX fX fX fX fX".to_vec()),
        (soon, b"\x1b]10;rgb:f".to_vec()),
        (Duration::from_secs(2), b"fff/ffff/ffff\x07".to_vec()),
        (soon, b"?".to_vec()),
    ]);
    assert_eq!(heard.last(), Some(&key(KeyCode::Char('?'), NONE)), "{heard:?}");
}
