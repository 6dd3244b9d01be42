//! A tensor in a file, without a copy of its bytes.

use std::borrow::Cow;

use safetensors::{Dtype, View};

/// A tensor whose bytes are borrowed.
pub(super) struct TensorBytes<'a> {
    dtype: Dtype,
    shape: Vec<usize>,
    data: &'a [u8],
}

impl<'a> TensorBytes<'a> {
    /// Numbers of a tensor of that shape, in row-major order.
    pub(super) fn numbers(numbers: &'a [f32], shape: Vec<usize>) -> Self {
        Self { dtype: Dtype::F32, shape, data: bytemuck::cast_slice(numbers) }
    }

    /// The bytes of a text.
    pub(super) fn text(text: &'a str) -> Self {
        Self { dtype: Dtype::U8, shape: vec![text.len()], data: text.as_bytes() }
    }
}

impl View for TensorBytes<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.data)
    }

    fn data_len(&self) -> usize {
        self.data.len()
    }
}
