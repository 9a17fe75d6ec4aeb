//! What a journal that cannot be read whole may still have in force: no more than its unreadable part can hold.

use std::collections::BTreeSet;

use serde::de::IgnoredAny;

use crate::journal::{BadLine, Line};

/// Resources that actions nobody can read may count on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum MayClaim {
    /// None: whatever cannot be read is no action.
    #[default]
    Nothing,
    /// These at most, by ARN.
    Only(BTreeSet<String>),
    /// Any of its account and region.
    Anything,
}

impl MayClaim {
    /// Whether it may count on the resource of this ARN.
    #[must_use]
    pub fn covers(&self, arn: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Only(arns) => arns.contains(arn),
            Self::Anything => true,
        }
    }

    fn add(&mut self, more: Self) {
        *self = match (std::mem::take(self), more) {
            (Self::Anything, _) | (_, Self::Anything) => Self::Anything,
            (Self::Nothing, other) | (other, Self::Nothing) => other,
            (Self::Only(mut arns), Self::Only(more)) => {
                arns.extend(more);
                Self::Only(arns)
            }
        };
    }
}

/// Follows a journal line by line and adds up what may be missing from it.
#[derive(Debug, Default)]
pub(super) struct Lost {
    last: Option<(u64, String)>,
    /// Lines that could not be read since the last one that could: what each may have been.
    pending: Vec<MayClaim>,
    claims: MayClaim,
}

impl Lost {
    /// Goes on after line `seq`, up to which nothing is missing.
    pub(super) fn after(seq: u64, hash: String) -> Self {
        Self { last: Some((seq, hash)), ..Self::default() }
    }

    pub(super) fn unreadable(&mut self, bad: &BadLine) {
        self.pending.push(of_line(&bad.bytes));
    }

    pub(super) fn line(&mut self, line: &Line) {
        let (seq, hash) = self.last.take().unwrap_or_default();
        let pending = std::mem::take(&mut self.pending);
        let missing = line.seq.saturating_sub(seq.saturating_add(1));
        // Where the chain goes on across what cannot be read, that was put in and never part of it.
        let put_in = missing == 0 && (line.prev == hash || line.seq == 1);
        if !put_in {
            if missing > pending.len() as u64 {
                self.claims.add(MayClaim::Anything);
            }
            for one in pending {
                self.claims.add(one);
            }
        }
        self.last = Some((line.seq, line.hash.clone()));
    }

    /// What may be missing in all.
    pub(super) fn claims(mut self) -> MayClaim {
        for one in std::mem::take(&mut self.pending) {
            self.claims.add(one);
        }
        self.claims
    }
}

/// What a line that cannot be read may have been: only an intent claims anything, and it names what it changes before
/// its calls.
fn of_line(bytes: &[u8]) -> MayClaim {
    match kind_of(bytes) {
        Some("intent") => {}
        Some(kind) if super::event::KINDS.contains(&kind) => return MayClaim::Nothing,
        _ => return MayClaim::Anything,
    }
    let readable = match serde_json::from_slice::<IgnoredAny>(bytes) {
        Err(error) if error.line() == 1 => &bytes[..error.column().saturating_sub(1).min(bytes.len())],
        _ => return MayClaim::Anything,
    };
    let text = String::from_utf8_lossy(readable);
    // Inside a string a quote has a backslash before it, so that these can only be keys.
    let Some((_, from)) = text.split_once(",\"changes\":[") else { return MayClaim::Anything };
    let Some((changes, _)) = from.split_once("],\"calls\":[") else { return MayClaim::Anything };
    let arns = changes.split(",\"arn\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    MayClaim::Only(arns.map(str::to_owned).collect())
}

/// The kind of a line whose beginning is as it was written.
fn kind_of(bytes: &[u8]) -> Option<&str> {
    let head = std::str::from_utf8(&bytes[..bytes.len().min(200)]).ok()?;
    let rest = head.strip_prefix("{\"seq\":")?.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = rest.strip_prefix(",\"at\":\"")?;
    let (at, rest) = rest.split_once('"')?;
    chrono::DateTime::parse_from_rfc3339(at).ok()?;
    let (kind, rest) = rest.strip_prefix(",\"kind\":\"")?.split_once('"')?;
    rest.starts_with(",\"actor\":").then_some(kind)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HEAD: &str = r#"{"seq":7,"at":"2026-03-01T03:02:11.123Z","kind":"#;

    fn line(kind: &str, data: &str) -> MayClaim {
        of_line(format!("{HEAD}\"{kind}\",\"actor\":{{\"user\":\"a\"}},\"data\":{data}").as_bytes())
    }

    #[test]
    fn what_a_broken_line_may_have_been() {
        assert_eq!(line("note", "{\"te\0"), MayClaim::Nothing);
        assert_eq!(line("call", "\u{1}"), MayClaim::Nothing);
        assert_eq!(line("nothing-known", "\u{1}"), MayClaim::Anything);
        assert_eq!(of_line(b"scribble"), MayClaim::Anything);
        assert_eq!(of_line(b""), MayClaim::Anything);
        let intent = |tail: &str| {
            let changes = r#"[{"resource":{"kind":"ip-set","name":"a","id":"1","arn":"arn:a"}}]"#;
            line("intent", &format!("{{\"plan\":{{\"summary\":\"x\",\"changes\":{changes}{tail}"))
        };
        let only = MayClaim::Only(["arn:a".to_owned()].into());
        assert_eq!(intent(",\"calls\":[{\"broken"), only);
        assert!(only.covers("arn:a") && !only.covers("arn:b"));
        assert_eq!(intent("broken ,\"calls\":["), MayClaim::Anything, "the damage stands before the calls");
        assert_eq!(intent(""), MayClaim::Anything);
    }

    #[test]
    fn a_quoted_key_is_no_key() {
        let summary = r#"{"plan":{"summary":"],\"calls\":[","changes":[{"resource":{"arn":"arn:a"}} broken"#;
        assert_eq!(line("intent", summary), MayClaim::Anything);
    }
}
