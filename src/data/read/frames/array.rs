//! Arrays of numbers: their values as frames, by their shape.
//!
//! A shape is a claim: it is compared with the number of bytes before anything is decoded, so one that promises more
//! takes no more memory.

use super::super::jsonl::ReadFrames;
use crate::data::PictureSize;

/// The type of an array's numbers, each in little-endian order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// Floats of 32 bits.
    F32,
    /// Floats of 64 bits.
    F64,
    /// Integers of 8 bits without a sign, which are divided by 255.
    U8,
}

impl Element {
    fn n_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F64 => 8,
            Self::U8 => 1,
        }
    }

    fn numbers(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F32 => bytes.as_chunks().0.iter().map(|it| f32::from_le_bytes(*it)).collect(),
            Self::F64 => {
                bytes.as_chunks().0.iter().map(|it| f64::from_le_bytes(*it) as f32).collect()
            }
            Self::U8 => bytes.iter().map(|&byte| scaled(byte)).collect(),
        }
    }
}

/// An integer of 8 bits as a number from 0 to 1.
pub(super) fn scaled(byte: u8) -> f32 {
    f32::from(byte) / 255.0
}

/// The frames of an array with this shape, in row-major order.
pub(super) fn frames(
    shape: &[usize],
    element: Element,
    bytes: &[u8],
) -> Result<ReadFrames, String> {
    let shown = || shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × ");
    let picture = match *shape {
        [_, _] => None,
        [_, height, width] => Some(PictureSize { height, width, channels: 1 }),
        [_, height, width, channels] => Some(PictureSize { height, width, channels }),
        _ => {
            let found = if shape.is_empty() {
                "a single number".to_owned()
            } else {
                format!("the shape {}", shown())
            };
            return Err(format!(
                "expected frames × values, or pictures as frames × height × width × channels, found {found}"
            ));
        }
    };
    let product = |of: &[usize]| of.iter().try_fold(1_usize, |n, &size| n.checked_mul(size));
    let n_wanted = product(shape).and_then(|n| n.checked_mul(element.n_bytes()));
    if n_wanted != Some(bytes.len()) {
        let wanted =
            n_wanted.map_or("more bytes than there can be".to_owned(), |n| format!("{n} bytes"));
        return Err(format!(
            "expected {wanted} of values, as the shape {} says, found {}; the file is truncated, or its header is wrong",
            shown(),
            bytes.len()
        ));
    }
    if shape.contains(&0) {
        return Err(format!("expected at least one number, found the shape {}", shown()));
    }
    let width = shape[1..].iter().product();
    let numbers = element.numbers(bytes);
    if let Some(at) = numbers.iter().position(|number| !number.is_finite()) {
        let (found, frame, place) = (numbers[at], at / width + 1, at % width + 1);
        return Err(format!("value {place} of frame {frame} is {found}, expected a finite number"));
    }
    Ok(ReadFrames { width, picture, numbers })
}
