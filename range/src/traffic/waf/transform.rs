//! Text transformations: what WAF makes of a component before it looks at it.
//!
//! AWS lists and describes them in the developer guide ("Text transformations",
//! `waf-rule-statement-transformation.html`). Its descriptions are those of ModSecurity's reference manual, so where
//! AWS says nothing this follows ModSecurity 3 (Apache 2.0) and its published test cases; each function says where the
//! two differ, and what is only inferred. All of them work on bytes, and what a hash or a decoder gives stays binary
//! (documented for `MD5`: "raw binary form").

mod bytes;
mod decode;
mod escape;
mod path;

use std::borrow::Cow;

use serde_json::Value;

use super::flaw::Flaw;
pub(crate) use decode::blob;

/// One transformation; documented in `API_TextTransformation.html`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transform {
    None,
    CompressWhiteSpace,
    HtmlEntityDecode,
    Lowercase,
    CmdLine,
    UrlDecode,
    Base64Decode,
    HexDecode,
    Md5,
    ReplaceComments,
    EscapeSeqDecode,
    SqlHexDecode,
    CssDecode,
    JsDecode,
    NormalisePath,
    NormalisePathWin,
    RemoveNulls,
    ReplaceNulls,
    Base64DecodeExt,
    UrlDecodeUni,
    Utf8ToUnicode,
    RemoveWhitespace,
    Trim,
    TrimLeft,
    TrimRight,
    RemoveCommentsChar,
    Uppercase,
    Sha256,
}

/// AWS's names of what the range evaluates.
const NAMES: [(&str, Transform); 28] = [
    ("NONE", Transform::None),
    ("COMPRESS_WHITE_SPACE", Transform::CompressWhiteSpace),
    ("HTML_ENTITY_DECODE", Transform::HtmlEntityDecode),
    ("LOWERCASE", Transform::Lowercase),
    ("CMD_LINE", Transform::CmdLine),
    ("URL_DECODE", Transform::UrlDecode),
    ("BASE64_DECODE", Transform::Base64Decode),
    ("HEX_DECODE", Transform::HexDecode),
    ("MD5", Transform::Md5),
    ("REPLACE_COMMENTS", Transform::ReplaceComments),
    ("ESCAPE_SEQ_DECODE", Transform::EscapeSeqDecode),
    ("SQL_HEX_DECODE", Transform::SqlHexDecode),
    ("CSS_DECODE", Transform::CssDecode),
    ("JS_DECODE", Transform::JsDecode),
    ("NORMALIZE_PATH", Transform::NormalisePath),
    ("NORMALIZE_PATH_WIN", Transform::NormalisePathWin),
    ("REMOVE_NULLS", Transform::RemoveNulls),
    ("REPLACE_NULLS", Transform::ReplaceNulls),
    ("BASE64_DECODE_EXT", Transform::Base64DecodeExt),
    ("URL_DECODE_UNI", Transform::UrlDecodeUni),
    ("UTF8_TO_UNICODE", Transform::Utf8ToUnicode),
    ("REMOVE_WHITESPACE", Transform::RemoveWhitespace),
    ("TRIM", Transform::Trim),
    ("TRIM_LEFT", Transform::TrimLeft),
    ("TRIM_RIGHT", Transform::TrimRight),
    ("REMOVE_COMMENTS_CHAR", Transform::RemoveCommentsChar),
    ("UPPERCASE", Transform::Uppercase),
    ("SHA256", Transform::Sha256),
];

impl Transform {
    /// The transformation of this name; `None` for one that the range does not evaluate.
    pub(crate) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, transform)| *transform)
    }

    /// What becomes of a text.
    pub(crate) fn apply(self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::None => text.to_vec(),
            Self::CompressWhiteSpace => bytes::compress_white_space(text),
            Self::HtmlEntityDecode => escape::html_entities(text),
            Self::Lowercase => text.to_ascii_lowercase(),
            Self::CmdLine => bytes::cmd_line(text),
            Self::UrlDecode => decode::url(text),
            Self::Base64Decode => decode::base64(text),
            Self::HexDecode => decode::hex(text),
            Self::Md5 => decode::md5(text),
            Self::ReplaceComments => bytes::replace_comments(text),
            Self::EscapeSeqDecode => escape::ansi_c(text),
            Self::SqlHexDecode => decode::sql_hex(text),
            Self::CssDecode => escape::css(text),
            Self::JsDecode => escape::js(text),
            Self::NormalisePath => path::normalise(text),
            Self::NormalisePathWin => path::normalise_win(text),
            Self::RemoveNulls => text.iter().copied().filter(|byte| *byte != 0).collect(),
            Self::ReplaceNulls => text.iter().map(|byte| if *byte == 0 { b' ' } else { *byte }).collect(),
            Self::Base64DecodeExt => decode::base64_ext(text),
            Self::UrlDecodeUni => decode::url_uni(text),
            Self::Utf8ToUnicode => decode::utf8_to_unicode(text),
            Self::RemoveWhitespace => bytes::remove_whitespace(text),
            Self::Trim => bytes::trim_left(bytes::trim_right(text)).to_vec(),
            Self::TrimLeft => bytes::trim_left(text).to_vec(),
            Self::TrimRight => bytes::trim_right(text).to_vec(),
            Self::RemoveCommentsChar => bytes::remove_comments_char(text),
            Self::Uppercase => text.to_ascii_uppercase(),
            Self::Sha256 => decode::sha256(text),
        }
    }
}

/// The transformations of a statement in the order in which they apply.
///
/// AWS processes all of them "from lowest priority to highest, before inspecting the transformed content"
/// (`API_TextTransformation.html`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Transforms(Vec<Transform>);

impl Transforms {
    /// Reads `TextTransformations`.
    pub(crate) fn read(json: &Value) -> Result<Self, Flaw> {
        let mut all: Vec<(i64, Transform)> = Vec::new();
        for entry in json.as_array().into_iter().flatten() {
            let name = entry["Type"].as_str().unwrap_or("");
            let Some(transform) = Transform::named(name) else {
                return Err(Flaw::wrong("TEXT_TRANSFORMATION", name, "The text transformation is not valid."));
            };
            let priority = entry["Priority"].as_i64().unwrap_or(0);
            if priority < 0 || all.iter().any(|(known, _)| *known == priority) {
                let reason = "Priorities of text transformations are different from each other and not negative.";
                return Err(Flaw::wrong("TEXT_TRANSFORMATION", &priority.to_string(), reason));
            }
            all.push((priority, transform));
        }
        all.sort_by_key(|(priority, _)| *priority);
        let transforms = all.into_iter().map(|(_, transform)| transform);
        Ok(Self(transforms.filter(|transform| *transform != Transform::None).collect()))
    }

    /// What becomes of a text after all of them.
    pub(crate) fn apply<'a>(&self, text: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        self.0.iter().fold(text, |text, transform| Cow::Owned(transform.apply(&text)))
    }
}
