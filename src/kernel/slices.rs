//! Tensors as slices of `f32`.

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};

/// The elements of an operation's argument, which must be contiguous.
pub(super) fn of<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("expected contiguous rows, found {layout:?}")
    };
    Ok(&storage.as_slice::<f32>()?[start..end])
}

/// Calls `f` with a tensor's elements, copied if the tensor is not on the CPU; the tensor must be
/// contiguous.
pub fn read<T>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    if let Storage::Cpu(storage) = &*storage {
        return Ok(f(of(storage, layout)?));
    }
    // The copy locks the storage itself.
    drop(storage);
    Ok(f(&tensor.flatten_all()?.to_vec1()?))
}

/// A tensor's elements in row-major order, whatever its layout.
pub fn to_vec(tensor: &Tensor) -> Result<Vec<f32>> {
    read(&tensor.contiguous()?, <[f32]>::to_vec)
}
