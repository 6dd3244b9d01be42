//! Another sample rate, by the band-limited interpolation of rubato: the only place that names that library.
//!
//! Where the rates are not in a simple ratio, the result is shifted by a part of one sample, which is 1/160 of a frame's
//! distance at 16 kHz at most.

use rubato::{Fft, FixedSync, Resampler, audioadapter_buffers::direct::InterleavedSlice};

/// Samples that are processed at a time.
const CHUNK: usize = 1024;

/// Resamples recordings from one rate.
pub(super) struct Resample {
    from: u32,
    to: u32,
    fft: Fft<f32>,
}

impl Resample {
    pub(super) fn new(from: u32, to: u32) -> Result<Self, String> {
        let fft = Fft::new(from as usize, to as usize, CHUNK, 1, FixedSync::Input);
        let why = |error| format!("cannot be resampled from {from} Hz to {to} Hz: {error}");
        Ok(Self { from, to, fft: fft.map_err(why)? })
    }

    /// Whether it is for these rates.
    pub(super) fn is_for(&self, from: u32, to: u32) -> bool {
        (self.from, self.to) == (from, to)
    }

    /// The samples at the other rate; as many as there is time for.
    pub(super) fn resample(&mut self, samples: &[f32]) -> Result<Vec<f32>, String> {
        let why = |error: String| {
            format!("cannot be resampled from {} Hz to {} Hz: {error}", self.from, self.to)
        };
        let input = InterleavedSlice::new(samples, 1, samples.len());
        let input = input.map_err(|error| why(error.to_string()))?;
        let output = self.fft.process_all(&input, samples.len(), None);
        Ok(output.map_err(|error| why(error.to_string()))?.take_data())
    }
}
