//! The instruction set that this process computes with, chosen once, before the first kernel runs.
//!
//! `pulp` compiles the loops of all kernels for each instruction set (AVX-512, AVX2 with FMA, NEON,
//! portable) into one program. `AUXDESK_KERNEL=portable` selects the portable version on any
//! machine; `AUXDESK_KERNEL=plain` selects candle's own operations, which also run on every device
//! other than the CPU.

use std::sync::OnceLock;

use candle_core::Device;
use pulp::{Arch, Scalar128b, Simd, WithSimd};

/// The environment variable that overrides the choice for this machine.
const CHOICE: &str = "AUXDESK_KERNEL";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    Best,
    Portable,
    Plain,
}

/// Parses the environment variable; an error if its value is unknown.
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

/// Rejects an unknown value of the environment variable before the first kernel runs.
pub fn check_choice() -> Result<(), String> {
    asked().map(drop)
}

fn choice() -> Choice {
    static CHOICE: OnceLock<Choice> = OnceLock::new();
    *CHOICE.get_or_init(|| asked().unwrap_or(Choice::Best))
}

/// Whether that device runs the fused operations; otherwise it runs candle's own.
pub fn is_fused(device: &Device) -> bool {
    device.is_cpu() && choice() != Choice::Plain
}

fn arch() -> Arch {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    *ARCH.get_or_init(|| if choice() == Choice::Portable { Arch::Scalar } else { Arch::new() })
}

/// The name of the kernels in use on that device. Results are reproducible bit for bit only with
/// the same kernels.
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

/// Runs an operation compiled for the instruction set in use.
#[inline(always)]
pub(super) fn with<Op: WithSimd>(op: Op) -> Op::Output {
    match arch() {
        // Vectors of four lanes, which every 64-bit machine has.
        Arch::Scalar => Simd::vectorize(Scalar128b, op),
        arch => arch.dispatch(op),
    }
}

/// Runs plain loops compiled for the instruction set in use. The closure must be marked
/// `#[inline(always)]`, and so must every function that it calls in a loop.
#[inline(always)]
pub fn fast<R>(loops: impl FnMut() -> R) -> R {
    with(Loops(loops))
}

struct Loops<F>(F);

impl<R, F: FnMut() -> R> WithSimd for Loops<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _simd: S) -> R {
        // Called as `FnMut`: rustc compiles a closure called as `FnOnce` as a separate function,
        // for the baseline instruction set.
        (self.0)()
    }
}
