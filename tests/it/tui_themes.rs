//! Every theme on every screen: what is drawn can be read, and what a terminal of few characters shows is ASCII.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use portcullis::model::plan::Plan;
use portcullis::tui::picture::rgb;
use portcullis::tui::theme::{BUILT_IN, Backdrop, Characters};
use portcullis::tui::{Mode, Options, Theme, keymap};
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::tui_fixtures as fixtures;
use super::tui_screens::{Console, SIZES};

const SIZE: (u16, u16) = (80, 24);

fn options(mode: Mode, theme: &Theme) -> Options {
    let mut options = Options::new(mode, keymap::load(None).unwrap(), *theme);
    options.playbooks = portcullis::playbook::Library::load(None).playbooks.into();
    options
}

fn drill() -> Mode {
    Mode::Drill { scenario: "sqli-flood".into() }
}

fn reviewing(options: Options, size: (u16, u16), plan: Plan) -> Console {
    let mut console = Console::with(options, size);
    console.board(fixtures::attack()).keys("s").sources(fixtures::sources()).keys("ab").enter();
    console.plan(plan);
    console
}

/// The three screens that an attack is met with, and their names.
fn three(theme: &Theme) -> [(&'static str, Console); 3] {
    let mut board = Console::with(options(drill(), theme), SIZE);
    board.board(fixtures::drill()).timeline(fixtures::timeline());
    let plan = reviewing(options(Mode::Armed, theme), SIZE, fixtures::plan_warn());
    let mut confirmation = reviewing(options(Mode::Armed, theme), SIZE, fixtures::plan_warn());
    confirmation.enter().keys("shop/prod 7f");
    [("board", board), ("plan", plan), ("confirmation", confirmation)]
}

/// Every kind of screen, from hand-made boards.
fn all(theme: &Theme, characters: Characters, size: (u16, u16)) -> Vec<(&'static str, Console)> {
    let begin = |mode, board| {
        let mut console = Console::with(Options { characters, ..options(mode, theme) }, size);
        console.board(board).timeline(fixtures::timeline());
        console
    };
    let on = |keys: &str| {
        let mut console = begin(Mode::Armed, fixtures::attack());
        console.keys(keys);
        console
    };
    let plan = |mode, plan| reviewing(Options { characters, ..options(mode, theme) }, size, plan);
    let mut stage = begin(Mode::Armed, fixtures::attack());
    stage.enter().depth(fixtures::report);
    let mut sources = on("s");
    sources.sources(fixtures::sources()).keys("a");
    let mut duration = on("s");
    duration.sources(fixtures::sources()).keys("ab");
    let mut confirmation = plan(Mode::Armed, fixtures::plan_warn());
    confirmation.enter().keys("shop/prod 0000").enter();
    let mut unknown = begin(Mode::ReadOnly, fixtures::unknowns());
    unknown.keys("j");
    let mut small = Console::with(Options { characters, ..options(Mode::Armed, theme) }, (40, 10));
    small.board(fixtures::attack());
    vec![
        ("drill", begin(drill(), fixtures::drill())),
        ("calm", begin(Mode::ReadOnly, fixtures::calm())),
        ("unknown", unknown),
        ("trouble", begin(Mode::Armed, fixtures::trouble())),
        ("hostile", begin(Mode::Armed, fixtures::hostile_board())),
        ("crowd", begin(Mode::Armed, fixtures::crowd())),
        ("filter", on("/shop")),
        ("stage", stage),
        ("sources", sources),
        ("duration", duration),
        ("pass", plan(drill(), fixtures::plan_pass())),
        ("stop", plan(Mode::Armed, fixtures::plan_stop())),
        ("confirmation", confirmation),
        ("timeline", on("tj")),
        ("playbooks", on("p")),
        ("help", on("?")),
        ("small", small),
    ]
}

/// A screen as text, then the same lines with a letter for each cell's style (none for ordinary text), then what the
/// letters are.
fn styled(theme: &Theme, buffer: &Buffer) -> String {
    let mut ordinary = Cell::default();
    ordinary.set_style(theme.text);
    let mut looks: Vec<String> = vec![look(&ordinary)];
    let (mut text, mut styles) = (String::new(), String::new());
    for y in 0..buffer.area.height {
        let (mut words, mut letters) = (String::new(), String::new());
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            let look = look(cell);
            let n = looks.iter().position(|known| *known == look).unwrap_or_else(|| {
                looks.push(look);
                looks.len() - 1
            });
            words.push_str(cell.symbol());
            letters.push(if n == 0 { ' ' } else { (b'a'..=b'z').nth(n - 1).unwrap().into() });
        }
        writeln!(text, "{}", words.trim_end()).unwrap();
        writeln!(styles, "{}", letters.trim_end()).unwrap();
    }
    let legend = (b'a'..=b'z').map(char::from).zip(looks.iter().skip(1));
    let legend: Vec<String> = legend.map(|(letter, look)| format!("{letter}: {look}")).collect();
    format!("{text}\n{styles}\n{}\n", legend.join("\n"))
}

/// `fg 202 bold`; nothing for what is the terminal's own.
fn look(cell: &Cell) -> String {
    let colour = |word: &str, colour| match colour {
        Color::Reset => String::new(),
        Color::Indexed(n) => format!("{word} {n} "),
        other => format!("{word} {other} "),
    };
    let attributes = [
        (Modifier::BOLD, "bold "),
        (Modifier::DIM, "dim "),
        (Modifier::UNDERLINED, "underlined "),
        (Modifier::REVERSED, "reversed "),
    ];
    let attributes = attributes.into_iter().filter(|(one, _)| cell.modifier.contains(*one)).map(|(_, word)| word);
    let words = format!("{}{}{}", colour("fg", cell.fg), colour("bg", cell.bg), attributes.collect::<String>());
    words.trim_end().to_owned()
}

#[test]
fn board_plan_and_confirmation_in_every_theme() {
    for (name, _) in BUILT_IN {
        let theme = Theme::built_in(name).unwrap();
        for (screen, console) in three(&theme) {
            insta::assert_snapshot!(format!("{name}_{screen}"), styled(&theme, &console.buffer()));
        }
    }
}

fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let luminance = |colour: [u8; 3]| {
        let [r, g, b] = colour.map(|c| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Bars, lines and dots: marks, for which less contrast is enough.
fn is_mark(symbol: &str) -> bool {
    symbol.chars().all(|c| matches!(c, '\u{2500}'..='\u{259f}' | '\u{2800}'..='\u{28ff}' | '•' | '+'))
}

/// What the views make of the styles, one over the other, in each cell: nothing that a theme allows makes text
/// unreadable.
#[test]
fn whatever_is_drawn_can_be_read() {
    let mut pairs = BTreeSet::new();
    for (name, _) in BUILT_IN {
        let theme = Theme::built_in(name).unwrap();
        let (paper, ink) = if theme.backdrop == Backdrop::Light { ([255; 3], [51; 3]) } else { ([0; 3], [170; 3]) };
        for (screen, console) in SIZES.into_iter().flat_map(|size| all(&theme, Characters::All, size)) {
            let buffer = console.buffer();
            for cell in buffer.content().iter().filter(|cell| !cell.symbol().trim().is_empty()) {
                let found = contrast(rgb(cell.fg).unwrap_or(ink), rgb(cell.bg).unwrap_or(paper));
                let least = if is_mark(cell.symbol()) { 3.0 } else { 4.5 };
                assert!(found >= least, "{name}, {screen}: {:?} has {found:.2}:1 ({})", cell.symbol(), look(cell));
                pairs.insert((name, look(cell)));
            }
        }
    }
    assert!(pairs.len() > 40, "{pairs:?}");
}

#[test]
fn a_background_of_its_own_is_everywhere() {
    let theme = Theme::built_in("high-contrast").unwrap();
    for (screen, console) in SIZES.into_iter().flat_map(|size| all(&theme, Characters::All, size)) {
        let buffer = console.buffer();
        // What a wide character covers is not drawn.
        let covered = |x: u16, y: u16| x > 0 && unicode_width::UnicodeWidthStr::width(buffer[(x - 1, y)].symbol()) > 1;
        for (y, x) in (0..buffer.area.height).flat_map(|y| (0..buffer.area.width).map(move |x| (y, x))) {
            assert!(buffer[(x, y)].bg != Color::Reset || covered(x, y), "{screen} at {x}, {y}\n{}", console.text());
        }
    }
}

#[test]
fn without_utf_8_only_ascii_is_drawn_and_every_word_stands_where_it_stood() {
    let theme = Theme::colour_blind_safe();
    for size in SIZES {
        for ((screen, plain), (_, full)) in
            all(&theme, Characters::Ascii, size).into_iter().zip(all(&theme, Characters::All, size))
        {
            let (plain, full) = (plain.buffer(), full.buffer());
            for (one, other) in plain.content().iter().zip(full.content()) {
                assert!(one.symbol().len() == 1 && one.symbol().is_ascii(), "{screen}: {:?}", one.symbol());
                assert!(one.symbol() == other.symbol() || !other.symbol().is_ascii(), "{screen}");
                // What the views draw of their own has a stand-in that is not the `?` of what is unknown.
                let lost = one.symbol() == "?" && other.symbol() != "?";
                assert!(!lost || screen == "hostile", "{screen}: {:?}", other.symbol());
                assert_eq!(one.style(), other.style(), "{screen}");
            }
        }
    }
}
