//! PNG pictures of any color type and depth, as numbers from 0 to 1.
//!
//! Gray pictures have one channel, all others three: red, green and blue. Depths of 16 bits lose their lower 8. A pixel of
//! color c and opacity α is seen on white, c·α + 1 − α, as a page shows it.

use std::io::Cursor;

use png::{ColorType, Decoder, DecodingError, Limits, Transformations};

use super::{
    super::jsonl::ReadFrames,
    array::scaled,
    resize::{Target, resized},
};
use crate::data::PictureSize;

const MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The most pixels of a picture.
const MOST_PIXELS: usize = 1 << 24;

/// The most bytes of its lines while a picture is decoded.
const MOST_BYTES: usize = 1 << 26;

/// The most bytes for each byte of its file: those of DEFLATE (RFC 1951), 258 for 2 bits.
const MOST_INFLATED: usize = 1032;

/// Whether a file says of itself that it is a PNG picture.
pub(super) fn is_png(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// One frame: a picture, resized if there is a target. The error follows the name of the file.
pub(super) fn decoded(bytes: &[u8], target: Option<Target>) -> Result<ReadFrames, String> {
    let frame = frame(bytes)?;
    match target {
        Some(target) => resized(frame, target),
        None => Ok(frame),
    }
}

fn frame(bytes: &[u8]) -> Result<ReadFrames, String> {
    if !is_png(bytes) {
        return Err("expected a PNG picture, found other data; convert it to PNG".to_owned());
    }
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MOST_BYTES });
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    let mut reader = decoder.read_info().map_err(|error| faulty(&error))?;
    let info = reader.info();
    let (height, width, n_raw) = (info.height as usize, info.width as usize, info.raw_bytes());
    if height.saturating_mul(width) > MOST_PIXELS {
        return Err(format!(
            "expected at most {MOST_PIXELS} pixels, found {height} × {width}; make the picture smaller"
        ));
    }
    if n_raw > bytes.len().saturating_mul(MOST_INFLATED) {
        return Err(format!(
            "expected a picture of {height} × {width} pixels, as the header says, found {} bytes, which cannot hold it; \
             the file is truncated, or its header is wrong",
            bytes.len()
        ));
    }
    let n_bytes =
        reader.output_buffer_size().ok_or_else(|| faulty(&DecodingError::LimitsExceeded))?;
    let mut samples = vec![0; n_bytes];
    let decoded = reader.next_frame(&mut samples).map_err(|error| faulty(&error))?;
    samples.truncate(decoded.buffer_size());
    let (channels, has_alpha) = match decoded.color_type {
        ColorType::Grayscale => (1, false),
        ColorType::GrayscaleAlpha => (1, true),
        ColorType::Rgb | ColorType::Indexed => (3, false),
        ColorType::Rgba => (3, true),
    };
    let numbers = if has_alpha {
        samples.chunks_exact(channels + 1).flat_map(|pixel| on_white(pixel, channels)).collect()
    } else {
        samples.into_iter().map(scaled).collect()
    };
    let size = PictureSize { height, width, channels };
    Ok(ReadFrames { width: size.n_values(), picture: Some(size), numbers })
}

/// The channels of a pixel with its opacity in the last sample, as it is seen on white.
fn on_white(pixel: &[u8], channels: usize) -> impl Iterator<Item = f32> + '_ {
    let opacity = u32::from(pixel[channels]);
    // Of an opaque pixel the quotient is the same as without opacity.
    let on_white = move |&sample: &u8| u32::from(sample) * opacity + 255 * (255 - opacity);
    pixel[..channels].iter().map(move |sample| on_white(sample) as f32 / (255.0 * 255.0))
}

fn faulty(error: &DecodingError) -> String {
    match error {
        DecodingError::IoError(_) => {
            "expected a whole PNG picture, found one that is truncated".to_owned()
        }
        DecodingError::LimitsExceeded => {
            "expected a picture that fits into memory, found a larger one; make it smaller"
                .to_owned()
        }
        error => format!("expected a PNG picture, found a faulty one: {error}"),
    }
}
