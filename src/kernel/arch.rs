//! The instructions that this process computes with: chosen once, at its first kernel.
//!
//! The loops of all kernels are compiled for each family (AVX-512, AVX2 with FMA, NEON, portable), by
//! way of `pulp`, and one program has them all. `AUXDESK_KERNEL=portable` takes the last on any machine,
//! `AUXDESK_KERNEL=plain` candle's own operations in the place of ours, as on any other device.

use std::sync::OnceLock;

use candle_core::Device;
use pulp::{Arch, Scalar128b, Simd, WithSimd};

/// The variable that asks for other kernels than this machine's best.
const CHOICE: &str = "AUXDESK_KERNEL";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    Best,
    Portable,
    Plain,
}

/// What was asked for; an error if it is nothing that is known.
fn asked() -> Result<Choice, String> {
    match std::env::var_os(CHOICE) {
        None => Ok(Choice::Best),
        Some(choice) if choice.is_empty() => Ok(Choice::Best),
        Some(choice) if choice == "portable" => Ok(Choice::Portable),
        Some(choice) if choice == "plain" => Ok(Choice::Plain),
        Some(choice) => Err(format!(
            "`{CHOICE}`: expected \"portable\" or \"plain\", or none for this machine's best, found \"{}\"",
            choice.display()
        )),
    }
}

/// Refuses a choice that is none, before any kernel takes the machine's best for it.
pub fn check_choice() -> Result<(), String> {
    asked().map(drop)
}

fn choice() -> Choice {
    static CHOICE: OnceLock<Choice> = OnceLock::new();
    *CHOICE.get_or_init(|| asked().unwrap_or(Choice::Best))
}

/// Whether fused operations compute on that device; else candle's own do.
pub fn is_fused(device: &Device) -> bool {
    device.is_cpu() && choice() != Choice::Plain
}

fn arch() -> Arch {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    *ARCH.get_or_init(|| if choice() == Choice::Portable { Arch::Scalar } else { Arch::new() })
}

/// The family of kernels in use on that device; bits are promised within one family only.
pub fn name(device: &Device) -> &'static str {
    match arch() {
        _ if !is_fused(device) => "plain",
        #[cfg(target_arch = "x86_64")]
        Arch::V4(_) => "avx512",
        #[cfg(target_arch = "x86_64")]
        Arch::V3(_) => "avx2",
        #[cfg(target_arch = "aarch64")]
        Arch::Neon(_) => "neon",
        _ => "portable",
    }
}

/// Runs an operation compiled for the family in use.
#[inline(always)]
pub(super) fn with<Op: WithSimd>(op: Op) -> Op::Output {
    match arch() {
        // Four numbers at a time, which any machine of 64 bits has.
        Arch::Scalar => Simd::vectorize(Scalar128b, op),
        arch => arch.dispatch(op),
    }
}

/// Runs plain loops compiled for the family in use: a closure marked `#[inline(always)]`, as must be
/// every function that it calls in a loop.
#[inline(always)]
pub fn fast<R>(loops: impl FnMut() -> R) -> R {
    with(Loops(loops))
}

struct Loops<F>(F);

impl<R, F: FnMut() -> R> WithSimd for Loops<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _simd: S) -> R {
        // As `FnMut`: what rustc makes of a closure called as `FnOnce` is a function of its own.
        (self.0)()
    }
}
