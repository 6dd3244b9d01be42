//! Two computations at the same time.

use candle_core::Device;

use super::arch::is_fused;

/// The results of both computations, made together where operations are fused: threads go on with one of them where a part of
/// the other ends. On another device the second follows the first, on the calling thread.
pub fn both<A: Send, B: Send>(
    device: &Device,
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    if is_fused(device) { rayon::join(first, second) } else { (first(), second()) }
}
