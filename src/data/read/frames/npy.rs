//! NumPy arrays: the header of a `.npy` file, versions 1 to 3, whose numbers are floats of 32 or 64 bits or integers of 8
//! bits, in little-endian and row-major order.
//!
//! The header is a Python dictionary with three keys, `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
//! Nothing else is accepted in it, and no memory is taken for what it claims.

use super::{
    super::jsonl::ReadFrames,
    array::{self, Element},
};

const MAGIC: &[u8] = b"\x93NUMPY";

/// Whether a file says of itself that it is a NumPy array.
pub(super) fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The frames of an array. The error follows the name of the file.
pub(super) fn read(bytes: &[u8]) -> Result<ReadFrames, String> {
    let truncated = || "expected a whole NumPy array, found one that is truncated".to_owned();
    let rest = bytes.strip_prefix(MAGIC).ok_or("expected a NumPy array, found other data")?;
    let (n_header, rest) = match rest {
        [1, 0, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, 0, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        [1..=3, 0, ..] | [] | [_] => return Err(truncated()),
        [major, minor, ..] => {
            return Err(format!(
                "expected a NumPy array of format 1.0 to 3.0, found format {major}.{minor}"
            ));
        }
    };
    let (header, values) = rest.split_at_checked(n_header).ok_or_else(truncated)?;
    let faulty = || "expected a NumPy array, found a faulty header".to_owned();
    let header = std::str::from_utf8(header).ok().and_then(Header::parse);
    let Header { descr, fortran_order, shape } = header.ok_or_else(faulty)?;
    let element = match descr {
        "<f4" => Element::F32,
        "<f8" => Element::F64,
        "|u1" | "<u1" => Element::U8,
        found => {
            return Err(format!(
                "expected float32, float64 or uint8 in little-endian order, found {found:?}; convert it with \
                 .astype(\"<f4\")"
            ));
        }
    };
    if fortran_order && shape.len() > 1 {
        let what = "expected an array in C order, found one in Fortran order; save numpy.ascontiguousarray(..) of it";
        return Err(what.to_owned());
    }
    array::frames(&shape, element, values)
}

/// The three keys of a header.
#[derive(Debug, PartialEq)]
struct Header<'h> {
    descr: &'h str,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl<'h> Header<'h> {
    fn parse(text: &'h str) -> Option<Self> {
        let mut rest = Rest(text);
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        rest.take("{")?;
        while rest.take("}").is_none() {
            let key = rest.quoted()?;
            rest.take(":")?;
            let is_new = match key {
                "descr" => descr.replace(rest.quoted()?).is_none(),
                "fortran_order" => fortran_order.replace(rest.truth()?).is_none(),
                "shape" => shape.replace(rest.tuple()?).is_none(),
                _ => false,
            };
            if !is_new {
                return None;
            }
            if rest.take(",").is_none() {
                rest.take("}")?;
                break;
            }
        }
        // Spaces and a line feed fill the header up.
        if !rest.0.trim_ascii().is_empty() {
            return None;
        }
        Some(Self { descr: descr?, fortran_order: fortran_order?, shape: shape? })
    }
}

/// What has not been parsed yet.
struct Rest<'h>(&'h str);

impl<'h> Rest<'h> {
    /// Takes a token, after spaces.
    fn take(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.trim_ascii_start().strip_prefix(token)?;
        Some(())
    }

    /// A string without escapes, in either quotes.
    fn quoted(&mut self) -> Option<&'h str> {
        let quote = if self.take("'").is_some() { '\'' } else { self.take("\"").map(|()| '"')? };
        let (text, rest) = self.0.split_once(quote)?;
        self.0 = rest;
        Some(text).filter(|text| !text.contains('\\'))
    }

    fn truth(&mut self) -> Option<bool> {
        let is_true = self.take("True").is_some();
        (is_true || self.take("False").is_some()).then_some(is_true)
    }

    /// Sizes in parentheses, with a comma after each but perhaps the last of several.
    fn tuple(&mut self) -> Option<Vec<usize>> {
        self.take("(")?;
        let mut sizes = Vec::new();
        while self.take(")").is_none() {
            let text = self.0.trim_ascii_start();
            let n_digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, rest) = text.split_at(n_digits);
            sizes.push(digits.parse().ok()?);
            self.0 = rest;
            if self.take(",").is_none() {
                self.take(")")?;
                break;
            }
        }
        Some(sizes)
    }
}
