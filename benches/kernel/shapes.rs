//! Matrix products of the shapes that recipes have, as shares of a loop of multiply-adds timed in the same second.

use std::{fs, time::Instant};

use auxdesk::kernel::{
    self,
    gemm::{
        Accumulate, Matrix, Packed, PackedLeft, Target, multiply, multiply_by_panels,
        multiply_edge_columns, multiply_in_blocks, multiply_on_all_threads, multiply_packed,
        n_edge_columns,
    },
};
use candle_core::Device;

use super::{cpu, numbers, peak};

/// How a product is computed.
#[derive(Clone, Copy, PartialEq)]
enum How {
    /// One thread; the right operand was packed before.
    Packed,
    /// The same, with edge columns.
    PackedAndEdge,
    /// One thread; the left operand is transposed, the right one is read in place.
    InPlace,
    /// All threads; the right operand is packed for each product.
    Packing,
    /// The same; the right operand is transposed.
    PackingTransposed,
    /// All threads take blocks of rows; the right operand was packed before.
    PackedBlocks,
    /// All threads take columns; the left operand is transposed and was packed before.
    Panels,
}

impl How {
    fn n_threads(self) -> usize {
        match self {
            Self::Packed | Self::PackedAndEdge | Self::InPlace => 1,
            Self::Packing | Self::PackingTransposed | Self::PackedBlocks | Self::Panels => {
                rayon::current_num_threads()
            }
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Packed | Self::PackedAndEdge => "packed before",
            Self::InPlace => "in place",
            Self::Packing => "packing",
            Self::PackingTransposed => "transposed, packing",
            Self::PackedBlocks => "rows, packed before",
            Self::Panels => "columns, packing",
        }
    }
}

/// A (m, k) times B (k, n).
struct Shape {
    name: &'static str,
    m: usize,
    n: usize,
    k: usize,
    how: How,
}

const fn shape(name: &'static str, [m, n, k]: [usize; 3], how: How) -> Shape {
    Shape { name, m, n, k, how }
}

const SHAPES: &[Shape] = &[
    shape("reference: x·W", [800, 800, 150], How::Packing),
    shape("reference: h·U", [32, 800, 200], How::Packed),
    shape("reference: G·Uᵀ", [32, 200, 800], How::Packed),
    shape("reference: dW", [150, 800, 800], How::Panels),
    shape("reference: dU", [200, 800, 800], How::Panels),
    shape("reference: dx", [800, 150, 800], How::PackedBlocks),
    shape("reference: logits of a group of rows", [24, 480, 50], How::Packed),
    shape("reference: dH of a group of rows", [24, 50, 480], How::PackedAndEdge),
    shape("reference: dW of a block of the output layer", [51, 480, 68], How::InPlace),
    shape("tag head: logits", [800, 17, 400], How::Packing),
    shape("tag head: dH", [800, 400, 17], How::PackingTransposed),
    shape("characters: x·W", [2_800, 100, 30], How::Packing),
    shape("characters: h·U", [450, 100, 25], How::Packed),
    shape("characters: dU", [25, 100, 2_800], How::Panels),
    shape("decoder: h·U", [64, 1_024, 256], How::Packed),
    shape("decoder: keys", [960, 256, 512], How::Packing),
    shape("parser: x·W of an upper layer", [800, 1_600, 800], How::Packing),
    shape("convolution of 3 rows", [800, 100, 300], How::Packing),
    shape("pair scores", [25, 25, 100], How::Packed),
];

/// Bytes that no cache holds.
const COLD: usize = 128 << 20;

/// The operands and the target of a product.
struct Operands {
    a: Vec<f32>,
    b: Vec<f32>,
    packed: Packed,
    edge: Vec<f32>,
    packed_left: Option<PackedLeft>,
    product: Vec<f32>,
    sums: Vec<f32>,
}

impl Shape {
    fn operands(&self) -> Operands {
        let (m, n, k) = (self.m, self.n, self.k);
        let (a, b) = (numbers(m * k), numbers(k * n));
        let n_edge = if self.how == How::PackedAndEdge { n_edge_columns(n) } else { 0 };
        let right = Matrix::new(&b, k, n);
        let packed = Packed::new(right.some_columns(0, n - n_edge));
        let edge = (n - n_edge..n).flat_map(|j| (0..k).map(move |l| right.get(l, j))).collect();
        let packed_left =
            (self.how == How::Panels).then(|| PackedLeft::new(Matrix::new(&a, k, m).transposed()));
        Operands { a, b, packed, edge, packed_left, product: vec![0.0; m * n], sums: vec![0.0; n] }
    }

    fn multiply(&self, operands: &mut Operands) {
        let (m, n, k) = (self.m, self.n, self.k);
        let Operands { a, b, packed, edge, packed_left, product, sums } = operands;
        let transposed = Matrix::new(b, n, k).transposed();
        let b = Matrix::new(b, k, n);
        if self.how == How::PackedAndEdge {
            let n_whole = n - edge.len() / k;
            multiply_edge_columns(Matrix::new(a, m, k), edge, n_whole, Target::new(product, n));
        }
        let target = Target::new(product, n);
        let rows = || Matrix::new(a, m, k);
        match self.how {
            How::Packed | How::PackedAndEdge => {
                multiply_packed(rows(), packed, Accumulate::Overwrite, target);
            }
            How::InPlace => {
                let a = Matrix::new(a, k, m).transposed();
                multiply(a, b, Accumulate::Overwrite, target);
            }
            How::Packing => multiply_on_all_threads(rows(), b, Accumulate::Overwrite, target),
            How::PackingTransposed => {
                multiply_on_all_threads(rows(), transposed, Accumulate::Overwrite, target);
            }
            How::PackedBlocks => {
                multiply_in_blocks(rows(), packed, Accumulate::Overwrite, target);
            }
            How::Panels => {
                let left = packed_left.as_ref().expect("it was packed");
                multiply_by_panels([(left, target)], b, sums);
            }
        }
    }

    /// GFLOP/s for each of these operands in turn, at least for 20 ms.
    fn gflops(&self, all: &mut [Operands]) -> f64 {
        let (mut n_products, began) = (0, Instant::now());
        while began.elapsed().as_millis() < 20 {
            for operands in &mut *all {
                self.multiply(operands);
            }
            n_products += all.len();
        }
        let n_flops = 2.0 * (self.m * self.n * self.k * n_products) as f64;
        n_flops / began.elapsed().as_secs_f64() / 1e9
    }
}

/// The medians over rounds of GFLOP/s, and of the share of the peak of the same round.
fn medians(rounds: &mut [(f64, f64)]) -> (f64, f64) {
    let middle = rounds.len() / 2;
    rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
    let gflops = rounds[middle].0;
    rounds.sort_by(|one, other| one.1.total_cmp(&other.1));
    (gflops, rounds[middle].1)
}

/// Prints a line for each shape whose name has this text.
pub(crate) fn report(filter: &str) {
    println!("{}, kernel {}, {}", cpu::name(), kernel::name(&Device::Cpu), caches());
    println!(
        "GFLOP/s and share of a loop of multiply-adds on as many threads, medians of 7 rounds"
    );
    println!(
        "{:<46} {:>14} {:<20} {:>7} {:>8} {:>5} {:>8} {:>5} {:>6}",
        "", "m x n x k", "right operand", "threads", "hot", "", "cold", "", "align"
    );
    for shape in SHAPES.iter().filter(|shape| shape.name.contains(filter)) {
        let mut hot = vec![shape.operands()];
        let bytes = 4 * (shape.m * shape.k + 2 * shape.k * shape.n + shape.m * shape.n);
        let n_copies = (COLD / bytes).clamp(2, 4_096);
        let mut cold: Vec<Operands> = (0..n_copies).map(|_| shape.operands()).collect();
        let align = 1 << (hot[0].a.as_ptr() as usize).trailing_zeros().min(6);
        let (mut of_hot, mut of_cold) = (Vec::new(), Vec::new());
        for _ in 0..7 {
            let peak = peak::gflops(shape.how.n_threads());
            for (operands, rounds) in [(&mut hot, &mut of_hot), (&mut cold, &mut of_cold)] {
                let gflops = shape.gflops(operands);
                rounds.push((gflops, gflops / peak));
            }
        }
        let ((hot, of_hot), (cold, of_cold)) = (medians(&mut of_hot), medians(&mut of_cold));
        println!(
            "{:<46} {:>14} {:<20} {:>7} {hot:>8.1} {:>4.0}% {cold:>8.1} {:>4.0}% {align:>6}",
            shape.name,
            format!("{}x{}x{}", shape.m, shape.n, shape.k),
            shape.how.text(),
            shape.how.n_threads(),
            100.0 * of_hot,
            100.0 * of_cold,
        );
    }
}

/// The caches of the first core, as Linux describes them.
fn caches() -> String {
    let read = |cache: usize, file: &str| {
        let path = format!("/sys/devices/system/cpu/cpu0/cache/index{cache}/{file}");
        fs::read_to_string(path).map(|text| text.trim().to_owned()).ok()
    };
    let cache = |at: usize| {
        let kind = read(at, "type").filter(|kind| kind != "Instruction")?;
        let kind = if kind == "Data" { "d" } else { "" };
        Some(format!("L{}{kind} {}", read(at, "level")?, read(at, "size")?))
    };
    let all: Vec<String> = (0..8).filter_map(cache).collect();
    if all.is_empty() { "caches unknown".to_owned() } else { all.join(", ") }
}
