//! Smithy RPC v2 CBOR bodies.
//!
//! Inputs become JSON trees: a timestamp (tag 1) becomes its number of seconds, a byte string is refused as no
//! operation here takes one. Depth is bounded, since the bytes come from outside.

use minicbor::data::{Tag, Type};
use minicbor::decode::Error as DecodeError;
use minicbor::{Decoder, Encoder};
use serde_json::{Map, Number, Value};

use crate::error::AwsError;
use crate::service::answer::Body;

use super::tree::Tree;

const MAX_DEPTH: usize = 32;

/// A request's body; an empty one is an empty map.
pub(crate) fn decode(body: &[u8]) -> Result<Value, AwsError> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    value(&mut Decoder::new(body), 0).map_err(|error| AwsError::bad("SerializationException", error.to_string()))
}

fn value(decoder: &mut Decoder<'_>, depth: usize) -> Result<Value, DecodeError> {
    if depth > MAX_DEPTH {
        return Err(DecodeError::message("nested too deeply"));
    }
    Ok(match decoder.datatype()? {
        Type::Bool => decoder.bool()?.into(),
        Type::Null | Type::Undefined => {
            decoder.skip()?;
            Value::Null
        }
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => decoder.u64()?.into(),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => decoder.i64()?.into(),
        Type::F16 => float(f64::from(decoder.f16()?)),
        Type::F32 => float(f64::from(decoder.f32()?)),
        Type::F64 => float(decoder.f64()?),
        Type::String => decoder.str()?.into(),
        Type::StringIndef => decoder.str_iter()?.collect::<Result<String, _>>()?.into(),
        Type::Array | Type::ArrayIndef => list(decoder, depth)?,
        Type::Map | Type::MapIndef => map(decoder, depth)?,
        Type::Tag => {
            decoder.tag()?;
            value(decoder, depth + 1)?
        }
        other => return Err(DecodeError::message(format!("unexpected {other}"))),
    })
}

fn list(decoder: &mut Decoder<'_>, depth: usize) -> Result<Value, DecodeError> {
    let length = decoder.array()?;
    let mut items = Vec::new();
    while more(decoder, length, items.len())? {
        items.push(value(decoder, depth + 1)?);
    }
    Ok(Value::Array(items))
}

fn map(decoder: &mut Decoder<'_>, depth: usize) -> Result<Value, DecodeError> {
    let length = decoder.map()?;
    let mut members = Map::new();
    let mut read = 0;
    while more(decoder, length, read)? {
        let name = value(decoder, depth + 1)?;
        let Value::String(name) = name else { return Err(DecodeError::message("a map's key must be text")) };
        members.insert(name, value(decoder, depth + 1)?);
        read += 1;
    }
    Ok(Value::Object(members))
}

/// Whether a collection has another item; takes the break of an indefinite one.
fn more(decoder: &mut Decoder<'_>, length: Option<u64>, read: usize) -> Result<bool, DecodeError> {
    if let Some(length) = length {
        return Ok((read as u64) < length);
    }
    if decoder.datatype()? == Type::Break {
        decoder.skip()?;
        return Ok(false);
    }
    Ok(true)
}

fn float(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// An answer's body.
pub(crate) fn encode(body: Body) -> Vec<u8> {
    match body {
        Body::Empty => vec![0xa0],
        Body::Tree(tree) => bytes(|encoder| write_tree(encoder, &tree)),
        Body::Json(value) => bytes(|encoder| write_json(encoder, &value)),
        Body::File(file) => bytes(|encoder| encoder.str(&file.content)?.ok()),
    }
}

/// An error: its absolute shape id in `__type`.
pub(crate) fn error(error: &AwsError) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("__type".to_owned(), format!("com.amazonaws.cloudwatch#{}", error.code).into());
    body.insert("message".to_owned(), error.message.clone().into());
    body.extend(error.members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    bytes(|encoder| write_json(encoder, &Value::Object(body)))
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

/// Writing to a vector cannot fail; were it to, the client would see an empty body and say so.
fn bytes(write: impl FnOnce(&mut Encoder<&mut Vec<u8>>) -> Written) -> Vec<u8> {
    let mut buffer = Vec::new();
    if write(&mut Encoder::new(&mut buffer)).is_err() {
        buffer.clear();
    }
    buffer
}

fn write_tree(encoder: &mut Encoder<&mut Vec<u8>>, tree: &Tree) -> Written {
    match tree {
        Tree::Double(number) => encoder.f64(*number)?.ok(),
        Tree::Text(text) => encoder.str(text)?.ok(),
        Tree::Time(at) => encoder.tag(Tag::new(1))?.f64(at.timestamp_millis() as f64 / 1e3)?.ok(),
        Tree::List(items) => {
            encoder.array(items.len() as u64)?;
            items.iter().try_for_each(|item| write_tree(encoder, item))
        }
        Tree::Map(members) => {
            encoder.map(members.len() as u64)?;
            members.iter().try_for_each(|(name, value)| {
                encoder.str(name)?;
                write_tree(encoder, value)
            })
        }
        Tree::Names(members) => {
            encoder.map(members.len() as u64)?;
            members.iter().try_for_each(|(name, value)| {
                encoder.str(name)?;
                write_tree(encoder, value)
            })
        }
    }
}

fn write_json(encoder: &mut Encoder<&mut Vec<u8>>, value: &Value) -> Written {
    match value {
        Value::Null => encoder.null()?.ok(),
        Value::Bool(truth) => encoder.bool(*truth)?.ok(),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => encoder.i64(integer)?.ok(),
            None => encoder.f64(number.as_f64().unwrap_or(0.0))?.ok(),
        },
        Value::String(text) => encoder.str(text)?.ok(),
        Value::Array(items) => {
            encoder.array(items.len() as u64)?;
            items.iter().try_for_each(|item| write_json(encoder, item))
        }
        Value::Object(members) => {
            encoder.map(members.len() as u64)?;
            members.iter().try_for_each(|(name, value)| {
                encoder.str(name)?;
                write_json(encoder, value)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_timestamp_is_read_as_its_seconds_from_definite_and_indefinite_maps() {
        let mut definite = Vec::new();
        let mut encoder = Encoder::new(&mut definite);
        encoder.map(1).unwrap().str("StartTime").unwrap().tag(Tag::new(1)).unwrap().f64(12.5).unwrap();
        let mut indefinite = Vec::new();
        let mut encoder = Encoder::new(&mut indefinite);
        encoder.begin_map().unwrap().str("StartTime").unwrap().tag(Tag::new(1)).unwrap().f64(12.5).unwrap();
        encoder.end().unwrap();
        for body in [definite, indefinite] {
            assert_eq!(decode(&body).unwrap(), serde_json::json!({"StartTime": 12.5}));
        }
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let body = vec![0x81; 100_000];
        assert_eq!(decode(&body).unwrap_err().code, "SerializationException");
    }
}
