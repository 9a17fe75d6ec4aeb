//! A function that is long, or that takes many things, says why: in a line that begins with `Long` or `Wide`, directly
//! above it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::layers::{root, sources};

/// The most lines, from the name to the closing brace, that need no reason.
const LINES: usize = 60;
/// The most parameters that need no reason, `self` aside.
const PARAMETERS: usize = 5;

/// A function as it stands in a source.
struct Function {
    name: String,
    lines: usize,
    parameters: usize,
    /// Whether the comment above it gives a reason.
    says_why: bool,
}

/// The name of the function that begins in `line`.
fn name_in(line: &str) -> Option<&str> {
    let mut words = line.trim_start();
    for before in ["pub(crate)", "pub(super)", "pub", "const", "async"] {
        words = words.strip_prefix(before).unwrap_or(words).trim_start();
    }
    if let Some(rest) = words.strip_prefix("(in ") {
        words = rest.split_once(')')?.1.trim_start();
        words = words.strip_prefix("async").unwrap_or(words).trim_start();
    }
    let name = words.strip_prefix("fn ")?;
    name.split(['(', '<']).next()
}

/// What stands between the parentheses of a signature, split at the commas that stand in no brackets.
fn parameters(signature: &str) -> usize {
    let named = signature.split_once("fn ").map_or(signature, |(_, named)| named);
    let Some((_, after)) = named.split_once('(') else { return 0 };
    let (mut depth, mut parts, mut part, mut last) = (1, Vec::new(), String::new(), ' ');
    for c in after.chars() {
        match c {
            '(' | '[' | '<' | '{' => depth += 1,
            // The head of an arrow closes nothing.
            '>' if last == '-' => {}
            ')' | ']' | '>' | '}' => depth -= 1,
            _ => {}
        }
        last = c;
        if depth == 0 {
            break;
        }
        if c == ',' && depth == 1 {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(c);
        }
    }
    parts.push(part);
    let is_self = |part: &str| {
        part.split(':').next().unwrap_or_default().split_whitespace().any(|word| word.trim_start_matches('&') == "self")
    };
    parts.iter().filter(|part| !part.trim().is_empty() && !is_self(part)).count()
}

/// The functions of `text`, those of its tests aside.
fn functions(text: &str) -> Vec<Function> {
    let code = text.split("mod tests {").next().unwrap_or_default();
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = name_in(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let ends = |line: &&str| line.ends_with('{') || line.ends_with(';');
        let Some(head) = lines[at..].iter().position(ends) else { continue };
        let body = if lines[at + head].ends_with('{') {
            lines[at..].iter().position(|line| *line == format!("{indent}}}")).unwrap_or(head)
        } else {
            head
        };
        let above = lines[..at].iter().rev().map(|line| line.trim_start());
        let mut above = above.take_while(|line| line.starts_with("//") || line.starts_with("#["));
        found.push(Function {
            name: name.to_owned(),
            lines: body + 1,
            parameters: parameters(&lines[at..=at + head].join(" ")),
            says_why: above.any(|line| line.starts_with("// Long") || line.starts_with("// Wide")),
        });
    }
    found
}

#[test]
fn a_function_that_is_long_or_wide_says_why() {
    let mut seen = 0;
    for dir in ["src", "range/src"] {
        for (file, text) in sources(&root().join(dir)) {
            if file.ends_with("tests.rs") || file.contains("tests/") || file.ends_with("laws.rs") {
                continue;
            }
            for function in functions(&text) {
                seen += 1;
                let Function { name, lines, parameters, says_why } = function;
                let is_plain = lines <= LINES && parameters <= PARAMETERS;
                assert!(is_plain || says_why, "{dir}/{file}: {name} has {lines} lines and {parameters} parameters");
            }
        }
    }
    assert!(seen > 3_000, "only {seen} functions were found");
}

#[test]
fn the_long_and_the_wide_are_found() {
    let long = format!("/// Says.\npub(crate) async fn long(&self) {{\n{}}}\n", "    one();\n".repeat(70));
    let wide = "    // Wide: all of it.\n    #[must_use]\n    pub(in crate::x) fn wide(\n        &mut self,\n        a: Vec<(u8, u8)>,\n        b: impl Fn(u8, u8) -> u8,\n        (c, d): (u8, u8),\n        e: [u8; 2],\n        f: &str,\n        g: u8,\n    ) -> u8 {\n        1\n    }\n";
    let found = functions(&format!("{long}{wide}"));
    let told: Vec<_> = found.iter().map(|f| (f.name.as_str(), f.lines, f.parameters, f.says_why)).collect();
    assert_eq!(told, [("long", 72, 0, false), ("wide", 11, 6, true)]);
}
