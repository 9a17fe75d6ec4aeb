//! Small value types of the format, each written as one string.

use serde::{Deserialize, Deserializer, de::Error as _};

/// A length of account time, written `90s`, `2m`, `1h30m`; whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span {
    /// Whole seconds.
    pub seconds: i64,
}

impl Span {
    /// `seconds` as `f64`, for arithmetic with rates.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.seconds as f64
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let mut seconds: i64 = 0;
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let number: i64 = rest[..digits].parse().ok()?;
            let unit = match rest.as_bytes()[digits] {
                b's' => 1,
                b'm' => 60,
                b'h' => 3600,
                _ => return None,
            };
            seconds = seconds.checked_add(number.checked_mul(unit)?)?;
            rest = &rest[digits + 1..];
        }
        Some(Self { seconds })
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is not a length of time; write `90s`, `2m` or `1h30m`")))
    }
}

/// An hour and minute of the day in UTC, written `19:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfDay {
    /// Seconds since midnight.
    pub second: i64,
}

impl TimeOfDay {
    fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = text.split_once(':')?;
        let number = |part: &str, below: i64| -> Option<i64> {
            let sound = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|number| sound && *number < below)
        };
        Some(Self { second: number(hour, 24)? * 3_600 + number(minute, 60)? * 60 })
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is not a time of day in UTC; write `07:30` or `19:00`")))
    }
}

/// A stage named `api/stage`, split at the last `/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StageRef {
    /// API name.
    pub api: String,
    /// Stage name.
    pub stage: String,
}

impl<'de> Deserialize<'de> for StageRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.rsplit_once('/') {
            Some((api, stage)) if !api.is_empty() && !stage.is_empty() => {
                Ok(Self { api: api.to_owned(), stage: stage.to_owned() })
            }
            _ => Err(D::Error::custom(format!("`{text}` is not a stage; write `api/stage`"))),
        }
    }
}

/// A method and resource path, written `POST /login`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Route {
    /// HTTP method, upper case.
    pub method: String,
    /// Resource path as API Gateway names it: `/orders/{id}`.
    pub path: String,
}

impl<'de> Deserialize<'de> for Route {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.split_once(' ') {
            Some((method, path)) if path.starts_with('/') && method.chars().all(|c| c.is_ascii_uppercase()) => {
                Ok(Self { method: method.to_owned(), path: path.to_owned() })
            }
            _ => Err(D::Error::custom(format!("`{text}` is not a route; write `POST /login`"))),
        }
    }
}

/// Requests per second and burst.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThrottleSpec {
    /// Requests per second.
    pub rate: f64,
    /// Bucket size in requests.
    pub burst: u32,
}
