//! Text transformations by AWS's own descriptions, and their order.

use super::super::transform::Transform::{self, *};
use super::support::*;
use super::*;

/// `waf-rule-statement-transformation.html`, "Options for text transformations".
#[test]
fn transformations_do_what_aws_describes() {
    let cases: [(Transform, &[u8], &[u8]); 45] = [
        (Base64Decode, b"bWFsaWNpb3Vz", b"malicious"),
        (Base64Decode, b"bWFs*aWNp", b"mal"),
        (Base64Decode, b"bWFsaQ", b"mali"),
        (Base64DecodeExt, b"bWFs*aW Np-b3Vz", b"malicious"),
        (CmdLine, b"C^at \"/etc'/pass\\wd", b"cat/etc/passwd"),
        (CmdLine, b"ls ,;  -LA (x)", b"ls -la(x)"),
        (CompressWhiteSpace, b"a\x0c\t\n\r\x0bb", b"a b"),
        (CompressWhiteSpace, b"a \xa0 b", b"a b"),
        (CompressWhiteSpace, b"  a  ", b" a "),
        (CssDecode, b"ja\\vascript", b"javascript"),
        (CssDecode, b"\\6a\\61vascript", b"javascript"),
        (EscapeSeqDecode, b"\\a\\b\\f\\n\\r\\t\\v\\\\\\?\\'\\\"", b"\x07\x08\x0c\n\r\t\x0b\\?'\""),
        (EscapeSeqDecode, b"\\x41\\0102", b"A\x082"),
        (HexDecode, b"3c736372697074", b"<script"),
        (HtmlEntityDecode, b"&quot;&lt;&gt;&nbsp;", b"\"<>\xa0"),
        (HtmlEntityDecode, b"&#x3c;&#X73;&#60;&#0060;", b"<s<<"),
        (HtmlEntityDecode, b"&quotation; &lt &unknown;", b"&quotation; < &unknown;"),
        (HtmlEntityDecode, b"& &# &#x; &;", b"& &# &#x; &;"),
        (HtmlEntityDecode, b"&dollar;&LCUB;jndi&colon;&sol;", b"${jndi:/"),
        (JsDecode, b"\\u0061\\uff41\\uFF3c", b"aa\\"),
        (JsDecode, b"\\u1261", b"a"),
        (JsDecode, b"\\x61\\141\\q", b"aaq"),
        (Lowercase, b"AbZ[\xc3\x84", b"abz[\xc3\x84"),
        (Md5, b"abc", b"\x90\x01\x50\x98\x3c\xd2\x4f\xb0\xd6\x96\x3f\x7d\x28\xe1\x7f\x72"),
        (Transform::None, b" A%41 ", b" A%41 "),
        (NormalisePath, b"/a//b/./c/../d", b"/a/b/d"),
        (NormalisePath, b"../a", b"../a"),
        (NormalisePath, b"/../../etc/passwd", b"/etc/passwd"),
        (NormalisePath, b"/a/..", b"/"),
        (NormalisePathWin, b"\\a\\.\\b/..\\c", b"/a/c"),
        (RemoveNulls, b"\0a\0b\0", b"ab"),
        (ReplaceComments, b"a/* x */b/**//*y*/c", b"a b  c"),
        (ReplaceComments, b"a */ b /* c", b"a */ b  "),
        (ReplaceNulls, b"\0a\0b", b" a b"),
        (SqlHexDecode, b"(0x414243)", b"(ABC)"),
        (SqlHexDecode, b"0x4 0xg1 0X4142x", b"0x4 0xg1 ABx"),
        (UrlDecode, b"%3Cscript%3e+%zz%4", b"<script> %zz%4"),
        (UrlDecodeUni, b"%u003c%uff1c%U123e%3c", b"<<><"),
        (UrlDecodeUni, b"%u00zz", b"%u00zz"),
        (Utf8ToUnicode, "ä€😀".as_bytes(), b"%u00e4%u20ac%u1f600"),
        (Utf8ToUnicode, b"a\xffb", b"a\xffb"),
        // Names of the service model, by ModSecurity's descriptions.
        (RemoveWhitespace, b" a\tb \xc2\xa0c", b"abc"),
        (RemoveCommentsChar, b"a/*b*/c--d#e", b"abcde"),
        (Uppercase, b"abZ\xc3\xa4", b"ABZ\xc3\xa4"),
        (Trim, b" \t a b \r\n", b"a b"),
    ];
    for (transform, input, output) in cases {
        let found = transform.apply(input);
        let input = input.escape_ascii();
        let found = found.escape_ascii().to_string();
        assert_eq!(found, output.escape_ascii().to_string(), "{transform:?} of {input}");
    }
    let digest = Sha256.apply(b"abc");
    assert_eq!(digest[..4], [0xba, 0x78, 0x16, 0xbf], "FIPS 180-2, appendix B.1");
}

/// `API_TextTransformation.html`: from the lowest priority to the highest, whatever the order of the list.
#[test]
fn transformations_apply_by_priority() {
    let with = |list: &Value| {
        let mut statement = exactly(&json!({"UriPath": {}}), "/<a>");
        statement["ByteMatchStatement"]["TextTransformations"] = list.clone();
        statement
    };
    let entry = |priority: u64, name: &str| json!({"Priority": priority, "Type": name});
    let twice = get("/%253CA%253E", "");
    let all = [entry(30, "LOWERCASE"), entry(2, "URL_DECODE"), entry(10, "URL_DECODE")];
    let once = [entry(1, "URL_DECODE"), entry(0, "LOWERCASE")];
    hold(
        "API_TextTransformation.html",
        vec![
            ("decoded twice, then made small", with(&json!(all)), twice.clone(), true),
            ("decoded once", with(&json!(once)), twice, false),
            (
                "decoded, then nothing",
                with(&json!([entry(7, "URL_DECODE"), entry(8, "NONE")])),
                get("/%3ca>", ""),
                true,
            ),
            ("hash of a decoded text", hash(), post(b"YWJj"), true),
            ("hash of the text itself", hash(), post(b"abc"), false),
        ],
    );
}

/// The MD5 of what the body decodes to: a raw hash is looked for as bytes.
fn hash() -> Value {
    json!({"ByteMatchStatement": {"FieldToMatch": {"Body": {}}, "PositionalConstraint": "EXACTLY",
        "SearchString": "kAFQmDzST7DWlj99KOF/cg==", "TextTransformations": transforms(&["BASE64_DECODE", "MD5"])}})
}
