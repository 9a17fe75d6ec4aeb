//! A theme out of its file, or everything that is wrong with it: a style that is missing would be noticed in the middle
//! of an attack.

use std::ops::Range;

use ratatui::style::{Color, Modifier, Style};
use toml::de::{DeTable, DeValue};

use super::{Backdrop, ROLES, Role, Theme};
use crate::model::reader::{Mistake, Node, Reader, near};
use crate::model::text::shortened;

/// The sixteen colours that a terminal has names for, in its own order.
pub(super) const NAMES: [(&str, Color); 16] = [
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("bright-white", Color::White),
];

const ATTRIBUTES: [(&str, Modifier); 4] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
];

const KEYS: [&str; 6] = ["fg", "bg", "bold", "dim", "underlined", "reversed"];

/// Reads a theme. `file` is how it is named in mistakes.
///
/// # Errors
/// Every mistake that was found, in the order of the file; never none.
pub fn read(file: &str, text: &str) -> Result<Theme, Vec<Mistake>> {
    let mut reader = Reader::new(file, text);
    let theme = match DeTable::parse(text) {
        Ok(table) => Reading { reader: &mut reader }.whole(table.get_ref()),
        Err(error) => {
            reader.no_toml(&error);
            Theme::default()
        }
    };
    let mut mistakes = reader.mistakes;
    mistakes.sort();
    if mistakes.is_empty() { Ok(theme) } else { Err(mistakes) }
}

struct Reading<'r, 'a> {
    reader: &'r mut Reader<'a>,
}

impl Reading<'_, '_> {
    fn whole(&mut self, table: &DeTable<'_>) -> Theme {
        self.reader.only(table, "a theme", &["background", "styles"]);
        let mut theme = Theme { backdrop: self.backdrop(table), ..Theme::default() };
        let Some((key, node)) = table.get_key_value("styles") else {
            self.reader.wrong(&(0..0), "a theme has no [styles]. Write [styles], and below it text = {}");
            return theme;
        };
        let Some(styles) = node.get_ref().as_table() else {
            self.reader.wrong_type(node, "styles", "a table: [styles]");
            return theme;
        };
        self.reader.only(styles, "[styles]", &ROLES.map(|role| role.name));
        for role in ROLES {
            match styles.get(role.name) {
                Some(node) => *(role.at)(&mut theme) = self.style(&role, node),
                None => self.missing(&role, &key.span()),
            }
        }
        theme
    }

    fn missing(&mut self, role: &Role, at: &Range<usize>) {
        let Role { name, meaning, .. } = role;
        self.reader.wrong(
            at,
            format!("[styles] has no “{name}” ({meaning}). Write {name} = {{ fg = \"yellow\" }}, or {name} = {{}}"),
        );
    }

    fn backdrop(&mut self, table: &DeTable<'_>) -> Backdrop {
        let Some(node) = table.get("background") else {
            self.reader.wrong(
                &(0..0),
                "a theme says for which background of the terminal it is meant. Write background = \"dark\", \"light\" or \"any\"",
            );
            return Backdrop::Any;
        };
        let said = node.get_ref().as_str();
        let known = Backdrop::ALL.into_iter().find(|(word, _)| Some(*word) == said);
        if known.is_none() {
            self.reader.wrong(&node.span(), "“background” takes \"dark\", \"light\" or \"any\"");
        }
        known.map_or(Backdrop::Any, |(_, backdrop)| backdrop)
    }

    fn style(&mut self, role: &Role, node: &Node<'_>) -> Style {
        let mut style = Style::new();
        let Some(table) = node.get_ref().as_table() else {
            self.reader.wrong_type(node, role.name, "a table: { fg = 214, bold = true }");
            return style;
        };
        self.reader.only(table, &format!("“{}”", role.name), &KEYS);
        style.fg = table.get("fg").and_then(|node| self.colour("fg", node));
        style.bg = table.get("bg").and_then(|node| self.colour("bg", node));
        for (name, attribute) in ATTRIBUTES {
            if self.reader.flag(table, name) {
                style = style.add_modifier(attribute);
            }
        }
        if table.contains_key("bg") && !table.contains_key("fg") && !role.is_laid_over() {
            let why = "whether the terminal's own colour can be read on it is not known";
            self.reader.wrong(&node.span(), format!("“{}” has a bg and no fg: {why}. Write fg as well", role.name));
        }
        style
    }

    fn colour(&mut self, key: &str, node: &Node<'_>) -> Option<Color> {
        let found = match node.get_ref() {
            DeValue::Integer(number) => u8::from_str_radix(number.as_str(), number.radix()).ok().map(Color::Indexed),
            DeValue::String(text) => named(text).or_else(|| rgb(text)),
            _ => {
                self.reader.wrong_type(node, key, "a colour: 214, \"#ffaf00\" or \"yellow\"");
                return None;
            }
        };
        if found.is_none() {
            let why = match node.get_ref() {
                DeValue::String(text) => not_a_colour(text),
                _ => "takes a number from 0 to 255 of the terminal's table. Write for example 214".to_owned(),
            };
            self.reader.wrong(&node.span(), format!("“{key}” {why}"));
        }
        found
    }
}

fn named(text: &str) -> Option<Color> {
    NAMES.iter().find(|(name, _)| *name == text).map(|(_, colour)| *colour)
}

/// `#rrggbb`.
fn rgb(text: &str) -> Option<Color> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    // A sign would be taken for a part of the number.
    let is_hex = digits.chars().all(|c| c.is_ascii_hexdigit());
    is_hex.then(|| u32::from_str_radix(digits, 16).ok().map(Color::from_u32)).flatten()
}

fn not_a_colour(text: &str) -> String {
    let hint = if text.starts_with('#') {
        ". Write # and six hexadecimal digits, for example \"#ffaf00\"".to_owned()
    } else if text.parse::<u8>().is_ok() {
        ". Write the number without quotes".to_owned()
    } else {
        near(text, NAMES.iter().map(|(name, _)| *name))
    };
    format!("takes a colour, and “{}” is not one{hint}", shortened(text, 30))
}
