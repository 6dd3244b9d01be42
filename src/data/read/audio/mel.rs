//! Log-mel energies of a recording: ln max(E, 10⁻¹⁰), where E are the energies of overlapping triangular filters on the
//! mel scale over the power spectrum of windowed frames.
//!
//! Equal to `numpy.log(numpy.maximum(S, 1e-10))` of librosa 0.11's `S = librosa.feature.melspectrogram(y=y, sr=sr,
//! n_fft=n_fft, win_length=window, hop_length=hop, n_mels=bands)`: a periodic Hann window, centred in `n_fft` samples;
//! frame t is centred on sample t · hop, with zeros beyond both ends; Slaney's mel scale, linear below 1 kHz and
//! logarithmic above, from 0 to half the sample rate; each filter has the area 1 (Slaney 1998, Auditory Toolbox).
//! `n_fft` is the smallest power of two that is not below the window.

use std::{f64::consts::PI, sync::Arc};

use realfft::{RealFftPlanner, RealToComplex};

/// The lowest energy whose logarithm is taken.
const FLOOR: f64 = 1e-10;

/// The settings of a filter bank; lengths are in samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MelSettings {
    pub(super) sample_rate: u32,
    pub(super) bands: usize,
    pub(super) window: usize,
    pub(super) hop: usize,
}

/// Computes log-mel energies.
pub(super) struct LogMel {
    settings: MelSettings,
    fft: Arc<dyn RealToComplex<f64>>,
    /// The window, with zeros before and after it.
    window: Vec<f64>,
    filters: Vec<Filter>,
}

/// A triangle over frequencies.
struct Filter {
    /// The first frequency of the spectrum with a weight.
    first: usize,
    weights: Vec<f64>,
}

impl LogMel {
    /// The number of the first band, counted from 1, that has no frequency of the spectrum.
    pub(super) fn empty_band(settings: MelSettings) -> Option<usize> {
        let empty = filters(settings).iter().position(|filter| filter.weights.is_empty());
        empty.map(|at| at + 1)
    }

    pub(super) fn new(settings: MelSettings) -> Self {
        let n_fft = settings.window.next_power_of_two();
        let before = (n_fft - settings.window) / 2;
        let mut window = vec![0.0; n_fft];
        for (n, weight) in window[before..][..settings.window].iter_mut().enumerate() {
            *weight = 0.5 - 0.5 * (2.0 * PI * n as f64 / settings.window as f64).cos();
        }
        let fft = RealFftPlanner::new().plan_fft_forward(n_fft);
        Self { settings, fft, window, filters: filters(settings) }
    }

    /// The frames of these samples, one after another: `bands` values each.
    pub(super) fn frames(&self, samples: &[f32]) -> Vec<f32> {
        let (hop, n_fft) = (self.settings.hop, self.window.len());
        let n_frames = 1 + samples.len() / hop;
        let mut frames = Vec::with_capacity(n_frames * self.settings.bands);
        let mut spectrum = self.fft.make_output_vec();
        let mut scratch = self.fft.make_scratch_vec();
        let mut input = self.fft.make_input_vec();
        let mut power = vec![0.0; spectrum.len()];
        for t in 0..n_frames {
            for ((x, weight), at) in input.iter_mut().zip(&self.window).zip(t * hop..) {
                let sample = at.checked_sub(n_fft / 2).and_then(|at| samples.get(at));
                *x = weight * f64::from(sample.copied().unwrap_or(0.0));
            }
            self.fft
                .process_with_scratch(&mut input, &mut spectrum, &mut scratch)
                .expect("the buffers have the lengths of the plan");
            for (power, x) in power.iter_mut().zip(&spectrum) {
                *power = x.norm_sqr();
            }
            frames.extend(self.filters.iter().map(|filter| {
                let of_filter = filter.weights.iter().zip(&power[filter.first..]);
                let energy: f64 = of_filter.map(|(weight, power)| weight * power).sum();
                energy.max(FLOOR).ln() as f32
            }));
        }
        frames
    }
}

/// Slaney's mel of 1 kHz, up to which the scale is linear, and the width of a linear mel in Hz.
const LINEAR_MELS: f64 = 15.0;
const HZ_PER_MEL: f64 = 200.0 / 3.0;

/// ln of the ratio of two frequencies above 1 kHz that are one mel apart.
fn log_step() -> f64 {
    6.4_f64.ln() / 27.0
}

fn mel_of(hz: f64) -> f64 {
    let linear = hz / HZ_PER_MEL;
    if linear < LINEAR_MELS {
        linear
    } else {
        LINEAR_MELS + (linear / LINEAR_MELS).ln() / log_step()
    }
}

fn hz_of(mel: f64) -> f64 {
    if mel < LINEAR_MELS {
        mel * HZ_PER_MEL
    } else {
        LINEAR_MELS * HZ_PER_MEL * ((mel - LINEAR_MELS) * log_step()).exp()
    }
}

fn filters(settings: MelSettings) -> Vec<Filter> {
    let MelSettings { sample_rate, bands, window, .. } = settings;
    let n_fft = window.next_power_of_two();
    let rate = f64::from(sample_rate);
    let highest = mel_of(rate / 2.0);
    // The left end of the first triangle, every centre, and the right end of the last.
    let edges: Vec<f64> =
        (0..bands + 2).map(|at| hz_of(highest * at as f64 / (bands + 1) as f64)).collect();
    let filter = |edges: &[f64]| {
        let [left, centre, right] = [edges[0], edges[1], edges[2]];
        let weight = |k: usize| {
            let hz = k as f64 * rate / n_fft as f64;
            let slope = ((hz - left) / (centre - left)).min((right - hz) / (right - centre));
            2.0 / (right - left) * slope.max(0.0)
        };
        let all: Vec<f64> = (0..=n_fft / 2).map(weight).collect();
        let first = all.iter().position(|weight| *weight > 0.0).unwrap_or(0);
        let weights = all.into_iter().skip(first).take_while(|weight| *weight > 0.0).collect();
        Filter { first, weights }
    };
    edges.windows(3).map(filter).collect()
}
