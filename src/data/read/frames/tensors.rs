//! Tensors of a safetensors file, by name: floats of 32 or 64 bits, or integers of 8 bits without a sign.

use std::borrow::Cow;

use safetensors::{Dtype, SafeTensors, tensor::Metadata};

use super::{
    super::jsonl::ReadFrames,
    array::{self, Element},
};
use crate::nearest::hint;

/// The bytes before the header: its length.
const N_LENGTH: usize = 8;

/// A file whose header has been checked.
pub(super) struct TensorFile {
    bytes: Cow<'static, [u8]>,
    /// The place of the first tensor.
    start: usize,
    tensors: Metadata,
}

impl TensorFile {
    /// Checks the header of a file. The error follows the name of the file.
    pub(super) fn open(bytes: Cow<'static, [u8]>) -> Result<Self, String> {
        match SafeTensors::read_metadata(&bytes) {
            Ok((n_header, tensors)) => Ok(Self { start: N_LENGTH + n_header, tensors, bytes }),
            Err(error) if starts_with_header(&bytes) => Err(format!(
                "expected a safetensors file, found a faulty one: {error}; the file is truncated, or its header is wrong"
            )),
            Err(_) => {
                let found = other_contents(&bytes);
                Err(format!("expected a .npy, .safetensors or PNG file, found {found}; convert it"))
            }
        }
    }

    /// The frames of a tensor; of the only one if no name is given.
    pub(super) fn frames(&self, tensor: Option<&str>) -> Result<ReadFrames, String> {
        let names = self.tensors.offset_keys();
        let name = match (tensor, names.as_slice()) {
            (Some(name), _) => name,
            (None, [only]) => only,
            (None, several) => {
                let n = several.len();
                return Err(format!(
                    "expected one tensor, found {n}; name one by the key \"tensor\" of the object"
                ));
            }
        };
        let Some(info) = self.tensors.info(name) else {
            let hint = hint(name, names.iter().map(String::as_str));
            return Err(format!("no tensor {name:?}{hint}"));
        };
        let element = match info.dtype {
            Dtype::F32 => Element::F32,
            Dtype::F64 => Element::F64,
            Dtype::U8 => Element::U8,
            found => {
                return Err(format!(
                    "tensor {name:?}: expected numbers of type F32, F64 or U8, found {found:?}; convert it"
                ));
            }
        };
        let (start, end) = info.data_offsets;
        let values = &self.bytes[self.start + start..self.start + end];
        array::frames(&info.shape, element, values).map_err(|why| format!("tensor {name:?}: {why}"))
    }
}

/// Whether a file could be a safetensors file: JSON follows its length.
fn starts_with_header(bytes: &[u8]) -> bool {
    bytes.get(N_LENGTH) == Some(&b'{')
}

/// What a file of no known kind is, by its first bytes.
fn other_contents(bytes: &[u8]) -> &'static str {
    match bytes {
        [] => "an empty file",
        [0x1f, 0x8b, ..] => "a gzip file",
        [0xff, 0xd8, 0xff, ..] => "a JPEG picture",
        [b'G', b'I', b'F', b'8', ..] => "a GIF picture",
        [b'B', b'M', ..] => "a BMP picture",
        [b'P', b'K', 3, 4, ..] => "a zip archive, such as .npz",
        [0x89, b'H', b'D', b'F', ..] => "an HDF5 file",
        [0x80, 2..=5, ..] => "a Python pickle",
        _ => "other data",
    }
}
