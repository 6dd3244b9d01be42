//! Numbers, frames, arcs, spans and relations of an object, or their faults.

use serde_json::Value;

use crate::data::PictureSize;

/// A number, or an array of numbers.
pub(super) fn numbers(key: &str, value: &Value) -> Result<Vec<f32>, String> {
    match value {
        Value::Array(items) => vector(key, items),
        other => Ok(vec![number(key, other)?]),
    }
}

/// Frames that were read: at least one.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::data::read) struct ReadFrames {
    /// The dimension of a frame.
    pub(in crate::data::read) width: usize,
    /// The size of the pictures, if they are pictures.
    pub(in crate::data::read) picture: Option<PictureSize>,
    /// The values, frame after frame.
    pub(in crate::data::read) numbers: Vec<f32>,
}

impl ReadFrames {
    /// The number of frames.
    pub(in crate::data::read) fn n_frames(&self) -> usize {
        self.numbers.len() / self.width
    }
}

/// An array of vectors, or of pictures, as frames.
pub(in crate::data::read) fn frames(key: &str, value: &Value) -> Result<ReadFrames, String> {
    let rows = array(key, value, "an array of vectors")?;
    let first = rows.first().and_then(Value::as_array).and_then(|row| row.first());
    if first.is_some_and(Value::is_array) {
        return pictures(key, rows);
    }
    let mut numbers = Vec::new();
    let mut width = None;
    for (row, at) in rows.iter().zip(1..) {
        let found = vector(&format!("{key}[{at}]"), array(key, row, "a vector")?)?;
        let width = *width.get_or_insert(found.len());
        if found.len() != width || width == 0 {
            let n = found.len();
            return Err(format!("frame {at} of {key:?} has width {n}, expected {}", width.max(1)));
        }
        numbers.extend(found);
    }
    let width = width.ok_or_else(|| format!("{key:?} has no frame, expected one at the least"))?;
    Ok(ReadFrames { width, picture: None, numbers })
}

/// An array of pictures as frames.
fn pictures(key: &str, pictures: &[Value]) -> Result<ReadFrames, String> {
    let mut numbers = Vec::new();
    let mut size = None;
    for (item, at) in pictures.iter().zip(1..) {
        let (found, pixels) = picture(&format!("{key}[{at}]"), item)?;
        let wanted = *size.get_or_insert(found);
        if found != wanted {
            return Err(format!(
                "picture {at} of {key:?} has height × width × channels {found}, expected {wanted}"
            ));
        }
        numbers.extend(pixels);
    }
    let width = size.map_or(0, PictureSize::n_values);
    Ok(ReadFrames { width, picture: size, numbers })
}

/// Rows of columns, each of them a number or an array of channels.
fn picture(key: &str, value: &Value) -> Result<(PictureSize, Vec<f32>), String> {
    let rows = array(key, value, "rows of columns")?;
    let mut pixels = Vec::new();
    let mut size: Option<(usize, usize)> = None;
    for (row, at) in rows.iter().zip(1..) {
        let columns = array(key, row, "a row of numbers or of channels")?;
        for column in columns {
            let found = numbers(key, column)?;
            let wanted = *size.get_or_insert((columns.len(), found.len()));
            if wanted != (columns.len(), found.len()) {
                let (width, channels) = wanted;
                return Err(format!(
                    "row {at} of {key:?} has {} columns and {} channels, expected {width} and {channels}",
                    columns.len(),
                    found.len()
                ));
            }
            pixels.extend(found);
        }
        if size.is_none_or(|(width, _)| width != columns.len()) {
            return Err(format!("row {at} of {key:?} has {} columns", columns.len()));
        }
    }
    match size {
        Some((width, channels)) if channels > 0 => {
            Ok((PictureSize { height: rows.len(), width, channels }, pixels))
        }
        _ => Err(format!("{key:?} has no pixel, expected one at the least")),
    }
}

/// The head of an arc (`None` for the root), its dependent, and its label.
type ReadArc<'o> = (Option<u32>, u32, Option<&'o str>);

/// The start of a span, its exclusive end, and its label.
type ReadSpan<'o> = (u32, u32, Option<&'o str>);

/// Arrays of head, dependent and an optional label; positions count from 1, and head 0 is the root.
pub(super) fn arcs<'o>(
    key: &str,
    value: &'o Value,
    n_tokens: usize,
) -> Result<Vec<ReadArc<'o>>, String> {
    let wanted = "[head, dependent] or [head, dependent, label]";
    let arc = |item: &'o Value| {
        let parts = array(key, item, wanted)?;
        let [head, dependent, label @ ..] = parts.as_slice() else {
            return Err(format!("{key:?} holds an array of {}, expected {wanted}", parts.len()));
        };
        let head = position(key, head, 0, n_tokens)?.checked_sub(1);
        let dependent = position(key, dependent, 1, n_tokens)? - 1;
        Ok((head, dependent, optional_label(key, label, wanted)?))
    };
    array(key, value, "an array of arcs")?.iter().map(arc).collect()
}

/// Arrays of start, exclusive end and an optional label; positions count from 0.
pub(super) fn spans<'o>(
    key: &str,
    value: &'o Value,
    n_tokens: usize,
) -> Result<Vec<ReadSpan<'o>>, String> {
    let items = array(key, value, "an array of spans")?.iter();
    items.map(|item| span(key, item, n_tokens)).collect()
}

/// Arrays of two spans and a type.
pub(super) fn relations<'o>(
    key: &str,
    value: &'o Value,
    n_tokens: usize,
) -> Result<Vec<(ReadSpan<'o>, ReadSpan<'o>, &'o str)>, String> {
    let wanted = "[[start, end], [start, end], label]";
    let relation = |item: &'o Value| {
        let [from, to, Value::String(label)] = array(key, item, wanted)?.as_slice() else {
            return Err(format!("{key:?} holds a relation that is not {wanted}"));
        };
        Ok((span(key, from, n_tokens)?, span(key, to, n_tokens)?, label.as_str()))
    };
    array(key, value, "an array of relations")?.iter().map(relation).collect()
}

fn span<'o>(
    key: &str,
    item: &'o Value,
    n_tokens: usize,
) -> Result<(u32, u32, Option<&'o str>), String> {
    let wanted = "[start, end] or [start, end, label]";
    let parts = array(key, item, wanted)?;
    let [start, end, label @ ..] = parts.as_slice() else {
        return Err(format!("{key:?} holds an array of {}, expected {wanted}", parts.len()));
    };
    let start = position(key, start, 0, n_tokens)?;
    let end = position(key, end, 0, n_tokens)?;
    if start >= end {
        return Err(format!("{key:?} holds a span from {start} to {end}, which has no token"));
    }
    Ok((start, end, optional_label(key, label, wanted)?))
}

fn optional_label<'o>(
    key: &str,
    rest: &'o [Value],
    wanted: &str,
) -> Result<Option<&'o str>, String> {
    match rest {
        [] => Ok(None),
        [Value::String(label)] => Ok(Some(label)),
        _ => Err(format!("{key:?} holds more than {wanted}")),
    }
}

fn position(key: &str, value: &Value, least: u64, most: usize) -> Result<u32, String> {
    match value.as_u64() {
        Some(at) if (least..=most as u64).contains(&at) => Ok(at as u32),
        _ => {
            Err(format!("{key:?} has a position {value}, expected a number from {least} to {most}"))
        }
    }
}

fn vector(key: &str, items: &[Value]) -> Result<Vec<f32>, String> {
    items.iter().map(|item| number(key, item)).collect()
}

fn number(key: &str, value: &Value) -> Result<f32, String> {
    match value.as_f64().map(|number| number as f32) {
        Some(number) if number.is_finite() => Ok(number),
        _ => Err(format!("{key:?} holds {}, expected a finite number", describe(value))),
    }
}

fn array<'o>(key: &str, value: &'o Value, wanted: &str) -> Result<&'o Vec<Value>, String> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(format!("{key:?} is {}, expected {wanted}", describe(other))),
    }
}

pub(in crate::data::read) fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
