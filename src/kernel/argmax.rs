//! Argmax over rows: the class with the largest score.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::{arch::fast, slices, vector::max_of_row};

/// Rows per task.
const ROWS: usize = 64;

/// The index of the largest score in each row of (rows, classes), the first of equal ones; 0 for a
/// row of NaN.
pub fn argmax(scores: &Tensor) -> Result<Vec<u32>> {
    let (rows, classes) = scores.dims2()?;
    if classes == 0 {
        return Ok(vec![0; rows]);
    }
    slices::read(&scores.contiguous()?, |scores| {
        let mut best = vec![0; rows];
        let parts = best.par_chunks_mut(ROWS).zip(scores.par_chunks(ROWS * classes));
        parts.for_each(|(best, scores)| {
            fast(
                #[inline(always)]
                || {
                    for (best, row) in best.iter_mut().zip(scores.chunks_exact(classes)) {
                        *best = argmax_of_row(row).map_or(0, |(_, class)| class as u32);
                    }
                },
            );
        });
        best
    })
}

/// Scores compared at once, so that the compiler vectorizes the search.
const CHUNK: usize = 32;

/// The largest score of a row and its class, the first of equal ones; `None` for a row of NaN.
#[inline(always)]
pub(super) fn argmax_of_row(row: &[f32]) -> Option<(f32, usize)> {
    let max = max_of_row(row);
    let is_max = |score: &f32| *score == max;
    let has_max = |chunk: &[f32]| chunk.iter().fold(false, |found, score| found | is_max(score));
    let chunk = row.chunks(CHUNK).position(has_max)?;
    let class = row[chunk * CHUNK..].iter().position(is_max)?;
    Some((max, chunk * CHUNK + class))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_first_of_equal_scores_is_taken() -> Result<()> {
        let scores = [[1f32, 3.0, 3.0], [-1.0, -2.0, -1.0], [f32::NAN; 3], [f32::NAN, 0.0, 1.0]];
        assert_eq!(argmax(&Tensor::new(&scores, &Device::Cpu)?)?, [1, 0, 0, 2]);
        assert_eq!(argmax(&Tensor::zeros((0, 3), candle_core::DType::F32, &Device::Cpu)?)?, [0; 0]);
        Ok(())
    }

    #[test]
    fn argmax_searches_rows_of_any_length() -> Result<()> {
        for classes in [1, 7, 8, 37, 500] {
            for place in [0, classes / 2, classes - 1] {
                let mut row = vec![-1f32; classes];
                row[place] = 2.0;
                let rows = Tensor::from_vec(row.repeat(70), (70, classes), &Device::Cpu)?;
                assert_eq!(argmax(&rows)?, vec![place as u32; 70]);
            }
        }
        Ok(())
    }
}
