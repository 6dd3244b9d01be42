//! What the multiply-add units can do: a loop without loads or stores.

use std::{hint::black_box, time::Instant};

use pulp::{Arch, Simd, WithSimd};

/// Independent sums: more than the latency of a multiply-add times the number of units.
const SUMS: usize = 12;

struct Loop {
    n: usize,
}

impl WithSimd for Loop {
    /// The number of operations.
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let (x, y) = (simd.splat_f32s(black_box(0.999)), simd.splat_f32s(black_box(0.001)));
        let mut sums = [simd.splat_f32s(0.5); SUMS];
        for _ in 0..self.n {
            for sum in &mut sums {
                *sum = simd.mul_add_e_f32s(*sum, x, y);
            }
        }
        for sum in sums {
            black_box(simd.reduce_sum_f32s(sum));
        }
        (self.n * SUMS * S::F32_LANES * 2) as f64
    }
}

/// GFLOP/s of so many threads in the next 10 to 20 ms.
pub(crate) fn gflops(n_threads: usize) -> f64 {
    let arch = Arch::new();
    let began = Instant::now();
    let run = || {
        let (mut n_flops, began) = (0.0, Instant::now());
        while began.elapsed().as_millis() < 10 {
            n_flops += arch.dispatch(Loop { n: 20_000 });
        }
        n_flops
    };
    let n_flops: f64 =
        if n_threads == 1 { run() } else { rayon::broadcast(|_| run()).into_iter().sum() };
    n_flops / began.elapsed().as_secs_f64() / 1e9
}
