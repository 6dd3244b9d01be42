//! Resizing by averaging areas: the value of a pixel is the mean over the area that it covers in the original.
//!
//! Pixel i of n covers the part from i·m/n to (i + 1)·m/n of m pixels, and each of these counts by the length that is
//! covered. In this way every pixel of the original counts the same, and the mean of the picture stays what it is.

use super::super::jsonl::ReadFrames;
use crate::data::PictureSize;

/// The size to which pictures are resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) height: usize,
    pub(super) width: usize,
}

/// The pictures in another size.
pub(super) fn resized(frames: ReadFrames, target: Target) -> Result<ReadFrames, String> {
    let Some(from) = frames.picture else {
        let what = "expected pictures, as the corpus has `height` and `width`, found vectors; remove both keys";
        return Err(what.to_owned());
    };
    let to = PictureSize { height: target.height, width: target.width, ..from };
    if to == from {
        return Ok(frames);
    }
    let rows = Overlap::of(from.height, to.height);
    let columns = Overlap::of(from.width, to.width);
    let pictures = frames.numbers.chunks_exact(from.n_values());
    let numbers = pictures.flat_map(|pixels| {
        // Of each row of the original, its new columns; then rows of these.
        let narrow: Vec<f64> = pixels
            .chunks_exact(from.width * from.channels)
            .flat_map(|row| averaged(row, from.channels, &columns, |&x| f64::from(x)))
            .collect();
        averaged(&narrow, to.width * to.channels, &rows, |&x| x)
    });
    let numbers = numbers.map(|x| x as f32).collect();
    Ok(ReadFrames { width: to.n_values(), picture: Some(to), numbers })
}

/// The part of the original that a pixel covers in one dimension.
struct Overlap {
    /// The first pixel that it covers.
    first: usize,
    /// The weight of each pixel from there on; their sum is 1.
    weights: Vec<f64>,
}

impl Overlap {
    /// Those of n pixels in place of m.
    fn of(m: usize, n: usize) -> Vec<Self> {
        // In parts of 1/n of an original pixel.
        let of = |i: usize| {
            let (start, end) = (i * m, (i + 1) * m);
            let first = start / n;
            let weight = |j: usize| (end.min((j + 1) * n) - start.max(j * n)) as f64 / m as f64;
            Self { first, weights: (first..end.div_ceil(n)).map(weight).collect() }
        };
        (0..n).map(of).collect()
    }
}

/// Averages of groups of `size` values, element by element, with the weights of each overlap.
fn averaged<'a, T>(
    values: &'a [T],
    size: usize,
    overlaps: &'a [Overlap],
    number: impl Fn(&T) -> f64 + Copy + 'a,
) -> Vec<f64> {
    let mean = |overlap: &Overlap| {
        let mut mean = vec![0.0; size];
        let groups = values[overlap.first * size..].chunks_exact(size);
        for (group, weight) in groups.zip(&overlap.weights) {
            for (sum, x) in mean.iter_mut().zip(group) {
                *sum += weight * number(x);
            }
        }
        mean
    };
    overlaps.iter().flat_map(mean).collect()
}
