//! Recordings: the samples of a WAV file, averaged over its channels, from −1 to 1.
//!
//! Every size in a header is a claim: it is compared with the number of bytes before anything is decoded, so a header
//! that promises more takes no more memory.

use std::{io::Cursor, ops::Range};

use hound::{Error, SampleFormat, WavReader};

/// A decoded recording.
pub(super) struct Recording {
    /// Samples per second.
    pub(super) sample_rate: u32,
    /// The mean of the channels, at each time.
    samples: Vec<f32>,
}

/// The sample rates that are read, in Hz: those of telephones, studios and what lies between.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=384_000;

/// Whether a file says of itself that it is a WAV file.
pub(super) fn is_wav(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WAVE")
}

impl Recording {
    /// Decodes a WAV file. The error follows the name of the file.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        if !is_wav(bytes) {
            let found = other_contents(bytes);
            return Err(format!("expected a WAV file, found {found}; convert it to WAV"));
        }
        let open = || WavReader::new(Cursor::new(bytes)).map_err(|error| faulty(&error));
        // The samples follow the header.
        let start = open()?.into_inner().position() as usize;
        let n_bytes = bytes.len().saturating_sub(start);
        let mut reader = open()?;
        let (spec, n_frames) = (reader.spec(), reader.duration() as usize);
        if !RATES.contains(&spec.sample_rate) {
            let (least, most, found) = (RATES.start(), RATES.end(), spec.sample_rate);
            return Err(format!(
                "expected a sample rate of {least} to {most} Hz, found {found} Hz"
            ));
        }
        if n_frames == 0 {
            return Err("expected samples, found none: the recording is empty".to_owned());
        }
        let n_channels = usize::from(spec.channels);
        let n_there = n_bytes / (usize::from(spec.bits_per_sample).div_ceil(8) * n_channels);
        if n_there < n_frames {
            return Err(format!(
                "expected {n_frames} samples in each channel, as the header says, found {n_there} at most; the file \
                 is truncated, or its header is wrong"
            ));
        }
        let samples = match spec.sample_format {
            SampleFormat::Float => mono(reader.samples::<f32>(), n_channels, f64::from),
            SampleFormat::Int => {
                let scale = 1.0 / f64::from(1_u32 << (spec.bits_per_sample - 1));
                mono(reader.samples::<i32>(), n_channels, |sample| f64::from(sample) * scale)
            }
        };
        let samples = samples.map_err(|error| faulty(&error))?;
        if samples.iter().any(|sample| !sample.is_finite()) {
            return Err("expected finite samples, found one that is not a number".to_owned());
        }
        Ok(Self { sample_rate: spec.sample_rate, samples })
    }

    /// The samples of these seconds; the end is that of the recording at the latest.
    pub(super) fn part(&self, seconds: &Range<f64>) -> Result<&[f32], String> {
        let rate = f64::from(self.sample_rate);
        let at = |time: f64| (time * rate).round().min(self.samples.len() as f64) as usize;
        let part = &self.samples[at(seconds.start)..at(seconds.end).max(at(seconds.start))];
        if part.is_empty() {
            let (length, start) = (self.samples.len() as f64 / rate, seconds.start);
            return Err(format!(
                "expected a part of the recording, which is {length:.3} s long, found one that starts at {start} s \
                 and has no sample"
            ));
        }
        if part.iter().all(|sample| *sample == 0.0) {
            return Err("expected sound, found silence: every sample is 0".to_owned());
        }
        Ok(part)
    }
}

/// The mean of the channels at each time.
fn mono<S>(
    samples: impl Iterator<Item = Result<S, Error>>,
    n_channels: usize,
    value: impl Fn(S) -> f64,
) -> Result<Vec<f32>, Error> {
    let (mut all, mut sum, mut n_summed) = (Vec::new(), 0.0, 0);
    for sample in samples {
        sum += value(sample?);
        n_summed += 1;
        if n_summed == n_channels {
            all.push((sum / n_channels as f64) as f32);
            (sum, n_summed) = (0.0, 0);
        }
    }
    Ok(all)
}

fn faulty(error: &Error) -> String {
    match error {
        Error::Unsupported | Error::InvalidSampleFormat | Error::TooWide => {
            "expected samples as integers of 8 to 32 bits or as floats of 32 bits, found another encoding; convert it \
             to 16 bits"
                .to_owned()
        }
        Error::IoError(_) => "expected a whole WAV file, found one that is truncated".to_owned(),
        error => format!("expected a WAV file, found a faulty header: {error}"),
    }
}

/// What a file that is no WAV file is, by its first bytes.
fn other_contents(bytes: &[u8]) -> &'static str {
    match bytes {
        [] => "an empty file",
        [0x1f, 0x8b, ..] => "a gzip file",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "a Zstandard file",
        [b'f', b'L', b'a', b'C', ..] => "a FLAC file",
        [b'O', b'g', b'g', b'S', ..] => "an Ogg file",
        [b'I', b'D', b'3', ..] | [0xff, 0xe0..=0xff, ..] => "an MP3 file",
        [b'N', b'I', b'S', b'T', ..] => "a SPHERE file",
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        [b'R', b'I', b'F', b'F', ..] => "a RIFF file of another kind",
        [b'R', b'I', b'F', b'X', ..] => "a big-endian WAV file",
        _ => "other data",
    }
}
