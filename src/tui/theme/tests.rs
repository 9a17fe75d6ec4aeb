//! What the built-in themes promise, computed: contrast of every pair, and what is to be told apart is far apart, also
//! for those who see fewer colours.
#![allow(clippy::unwrap_used, clippy::many_single_char_names)]

use ratatui::style::{Color, Modifier, Style};

use super::read::NAMES;
use super::*;
use crate::tui::picture::rgb;

type Rgb = [u8; 3];

const BLACK: Rgb = [0; 3];
const WHITE: Rgb = [255; 3];
/// What terminals have for text where nothing is said, at its palest.
const OWN_TEXT: [(Rgb, Rgb); 2] = [(BLACK, [170; 3]), (WHITE, [51; 3])];

fn themes() -> impl Iterator<Item = (&'static str, Theme)> {
    BUILT_IN.into_iter().map(|(name, text)| (name, read(name, text).unwrap()))
}

/// What a theme may stand on: its own background, or black or white, whichever it is meant for.
fn grounds(theme: &Theme) -> Vec<Rgb> {
    match (theme.text.bg, theme.backdrop) {
        (Some(own), _) => vec![rgb(own).unwrap()],
        (None, Backdrop::Dark) => vec![BLACK],
        (None, Backdrop::Light) => vec![WHITE],
        (None, Backdrop::Any) => vec![BLACK, WHITE],
    }
}

fn linear(channel: u8) -> f64 {
    let c = f64::from(channel) / 255.0;
    if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
}

/// Relative luminance, as WCAG 2 has it.
fn luminance([r, g, b]: Rgb) -> f64 {
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Foreground and background as they come to stand. Reversed, their contrast is the same.
fn seen(style: Style, theme: &Theme, ground: Rgb) -> (Rgb, Rgb) {
    let own = OWN_TEXT.iter().find(|(paper, _)| *paper == ground).map_or(WHITE, |(_, text)| *text);
    let text = theme.text.fg.and_then(rgb).unwrap_or(own);
    (style.fg.and_then(rgb).unwrap_or(text), style.bg.and_then(rgb).unwrap_or(ground))
}

#[test]
fn every_pair_has_the_contrast_that_wcag_asks_for() {
    let mut pairs = 0;
    for (name, theme) in themes() {
        for ground in grounds(&theme) {
            for role in ROLES {
                let style = role.of(&theme);
                let mut over = vec![("on the screen", style)];
                if style.bg.is_none() {
                    over.push(("on the selected line", style.patch(theme.selected)));
                }
                if role.name == "key" {
                    over.push(("as the mark of the selected line", theme.selected.patch(style)));
                }
                let least = match (role.is_mark, name) {
                    (true, _) => 3.0,
                    (false, "high-contrast") if style.bg.is_none() => 7.0,
                    (false, _) => 4.5,
                };
                for (where_at, style) in over {
                    let least = if where_at == "on the screen" { least } else { f64::min(least, 4.5) };
                    let (text, paper) = seen(style, &theme, ground);
                    let found = contrast(text, paper);
                    assert!(found >= least, "{name}: {} {where_at} has {found:.2}:1, needs {least}:1", role.name);
                    pairs += 1;
                }
            }
        }
    }
    assert!(pairs > 150, "{pairs}");
}

#[test]
fn banners_stand_out_from_the_screen() {
    for (name, theme) in themes().filter(|(name, _)| *name != "monochrome") {
        for (ground, banner) in grounds(&theme).into_iter().flat_map(|ground| {
            [theme.drill, theme.read_only, theme.armed].into_iter().map(move |banner| (ground, banner))
        }) {
            let found = contrast(rgb(banner.bg.unwrap()).unwrap(), ground);
            assert!(found >= 3.0, "{name}: {banner:?} {found:.2}:1");
        }
        assert!(theme.armed != theme.drill && theme.armed != theme.read_only && theme.drill != theme.read_only);
    }
}

/// How dim a terminal draws is its own affair, so a theme that promises a contrast does not use it.
#[test]
fn what_has_a_colour_is_not_dimmed_and_monochrome_has_none() {
    for (name, theme) in themes() {
        for role in ROLES {
            let style = role.of(&theme);
            let colours = style.fg.is_some() || style.bg.is_some();
            assert!(name != "monochrome" || !colours, "{}", role.name);
            assert!(name == "monochrome" || !style.add_modifier.contains(Modifier::DIM), "{name} {}", role.name);
        }
    }
}

/// How protanopes, deuteranopes and tritanopes see (Machado, Oliveira and Fernandes, 2009), on linear RGB.
const SIGHT: [(&str, f64, [[f64; 3]; 3]); 4] = [
    ("all colours", 20.0, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        20.0,
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
    ),
    (
        "deuteranopia",
        20.0,
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
    ),
    (
        // Rare: one in ten thousand.
        "tritanopia",
        15.0,
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]],
    ),
];

/// CIE L*a*b*, D65.
fn lab(colour: Rgb, sight: &[[f64; 3]; 3]) -> [f64; 3] {
    let times = |m: &[[f64; 3]; 3], v: [f64; 3]| m.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2]);
    let seen = times(sight, colour.map(linear)).map(|c| c.clamp(0.0, 1.0));
    let [x, y, z] = times(&[[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], seen);
    let f = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
    let [x, y, z] = [f(x / 0.9505), f(y), f(z / 1.089)];
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn hue([_, a, b]: [f64; 3]) -> f64 {
    b.atan2(a).to_degrees()
}

#[test]
fn attack_notice_and_unknown_are_far_apart_in_hue_and_lightness() {
    for (name, theme) in themes().filter(|(name, _)| *name != "monochrome") {
        let three = [("bad", theme.bad), ("warn", theme.warn), ("unknown", theme.unknown)];
        let three = three.map(|(word, style)| (word, rgb(style.fg.unwrap()).unwrap()));
        for ((one, a), (other, b)) in [(three[0], three[1]), (three[0], three[2]), (three[1], three[2])] {
            let [x, y] = [a, b].map(|colour| lab(colour, &SIGHT[0].2));
            let turn = (hue(x) - hue(y)).rem_euclid(360.0);
            let (lightness, hue) = ((x[0] - y[0]).abs(), turn.min(360.0 - turn));
            assert!(lightness >= 6.5, "{name}: {one} and {other} differ by {lightness:.1} in lightness");
            assert!(hue >= 25.0, "{name}: {one} and {other} differ by {hue:.0}° in hue");
            for (sight, least, matrix) in SIGHT {
                let [x, y] = [a, b].map(|colour| lab(colour, &matrix));
                let apart = x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
                assert!(apart >= least, "{name}: {one} and {other} are {apart:.1} apart with {sight}");
            }
        }
    }
    let plain = Theme::plain();
    assert!(plain.bad != plain.warn && plain.warn != plain.unknown && plain.bad != plain.unknown);
}

#[test]
fn every_role_is_a_style_of_its_own() {
    let mut theme = Theme::default();
    for (n, role) in (0_u8..).zip(ROLES) {
        *(role.at)(&mut theme) = Style::new().fg(Color::Indexed(n));
    }
    for (n, role) in (0_u8..).zip(ROLES) {
        assert_eq!(role.of(&theme).fg, Some(Color::Indexed(n)), "{}", role.name);
    }
}

#[test]
fn a_theme_is_chosen_by_what_the_terminal_says_of_its_background() {
    let (dark, light) = (Theme::colour_blind_safe(), Theme::built_in("light").unwrap());
    for (said, theme) in [
        (None, dark),
        (Some(""), dark),
        (Some("15;0"), dark),
        (Some("7;8"), dark),
        (Some("0;15"), light),
        (Some("0;default;15"), light),
        (Some("0;7"), light),
        (Some("default;default"), dark),
        (Some("0;255"), dark),
        (Some("\u{1b}[31m"), dark),
    ] {
        assert_eq!(Theme::for_terminal(said.map(OsStr::new)), theme, "{said:?}");
    }
}

/// The monochrome theme as a file, with `line` in place of that of its first word.
fn with(line: &str) -> String {
    let word = line.split([' ', '=']).next().unwrap();
    let (_, text) = BUILT_IN[3];
    let lines = text.lines().map(|known| if known.split([' ', '=']).next() == Some(word) { line } else { known });
    lines.collect::<Vec<_>>().join("\n")
}

fn said(text: &str) -> Vec<String> {
    read("my.toml", text).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_wrong_is_said_with_file_line_and_what_to_write() {
    for (line, says) in [
        ("warn = { fg = 256 }", "my.toml:15:15: “fg” takes a number from 0 to 255"),
        (
            "warn = { fg = \"yelow\" }",
            "my.toml:15:15: “fg” takes a colour, and “yelow” is not one. Did you mean “yellow”?",
        ),
        (
            "warn = { fg = \"#ffaf0\" }",
            "my.toml:15:15: “fg” takes a colour, and “#ffaf0” is not one. Write # and six hex",
        ),
        ("warn = { fg = \"#+faf00\" }", "my.toml:15:15: “fg” takes a colour, and “#+faf00” is not one"),
        (
            "warn = { fg = \"214\" }",
            "my.toml:15:15: “fg” takes a colour, and “214” is not one. Write the number without",
        ),
        (
            "warn = { fg = \"店\" }",
            "my.toml:15:15: “fg” takes a colour, and “店” is not one. There is black, red, green",
        ),
        ("warn = { fg = true }", "my.toml:15:15: “fg” takes a colour: 214, \"#ffaf00\" or \"yellow\", not true or"),
        ("warn = { colour = 3 }", "my.toml:15:10: “warn” has no key “colour”"),
        ("warn = { bold = 1 }", "my.toml:15:17: “bold” takes true or false, without quotes, not an integer"),
        ("warn = { bg = 3 }", "my.toml:15:8: “warn” has a bg and no fg: whether the terminal's own colour can be read"),
        ("warn = \"yellow\"", "my.toml:15:8: “warn” takes a table: { fg = 214, bold = true }, not a string"),
        ("background = \"drak\"", "my.toml:5:14: “background” takes \"dark\", \"light\" or \"any\""),
        ("background = 1", "my.toml:5:14: “background” takes \"dark\", \"light\" or \"any\""),
        ("background = \"any", "my.toml:5:"),
    ] {
        let said = said(&with(line));
        assert!(said.len() == 1 && said[0].starts_with(says), "{line}\n  said:   {said:?}\n  wanted: {says}");
    }
}

#[test]
fn what_is_missing_or_not_known_is_said() {
    let (_, text) = BUILT_IN[3];
    let without = text.replace("warn      = { bold = true }\n", "");
    assert_eq!(
        said(&without),
        ["my.toml:7:2: [styles] has no “warn” (a notice, a warning). Write warn = { fg = \"yellow\" }, or warn = {}"]
    );
    let more = format!("{text}wran = {{}}\n");
    assert_eq!(said(&more), ["my.toml:26:1: [styles] has no key “wran”. Did you mean “warn”?"]);
    let none = said("");
    assert!(none.iter().any(|line| line.contains("for which background")), "{none:?}");
    assert!(none.iter().any(|line| line.contains("no [styles]")), "{none:?}");
    assert_eq!(said("styles = 3\nbackground = \"any\"").len(), 1);
}

#[test]
fn every_way_of_writing_a_colour_is_taken() {
    let read = |line: &str| read("my.toml", &with(line)).unwrap().warn;
    assert_eq!(read("warn = { fg = 214 }"), Style::new().fg(Color::Indexed(214)));
    assert_eq!(read("warn = { fg = 0xd6 }"), Style::new().fg(Color::Indexed(214)));
    assert_eq!(read("warn = { fg = \"#FFaf00\" }"), Style::new().fg(Color::Rgb(0xff, 0xaf, 0)));
    for (name, colour) in NAMES {
        assert_eq!(read(&format!("warn = {{ fg = \"{name}\", bold = false }}")), Style::new().fg(colour));
    }
    let all = "warn = { fg = 1, bg = 2, bold = true, dim = true, underlined = true, reversed = true }";
    let every = Modifier::BOLD | Modifier::DIM | Modifier::UNDERLINED | Modifier::REVERSED;
    assert_eq!(read(all), Style::new().fg(Color::Indexed(1)).bg(Color::Indexed(2)).add_modifier(every));
}
