//! Compressed files: gzip (RFC 1952) and Zstandard (RFC 8878), by their first bytes.

use std::io::{self, BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

/// The number of bytes that one compressed byte may become. Text is rarely compressed by a factor above 20.
const MAX_RATIO: usize = 100;

/// Decompressed files up to this size (64 MiB) are accepted with any ratio.
const ALWAYS_ACCEPTED: usize = 64 << 20;

/// The maximum size of a decompressed file: 8 GiB.
const MAX_SIZE: usize = 8 << 30;

/// The maximum size of a decompressed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) n_bytes: usize,
    /// Whether the memory at hand sets it, and not the size of the compressed file.
    pub(super) is_of_memory: bool,
}

impl Limit {
    /// That of a compressed file, and of the memory that is available, if that is known.
    pub(super) fn of(n_compressed: usize, available: Option<u64>) -> Self {
        let of_file = n_compressed.saturating_mul(MAX_RATIO).clamp(ALWAYS_ACCEPTED, MAX_SIZE);
        // While its buffer grows and while it is copied, a text is in memory twice, and then it is read.
        let of_memory = available.map_or(usize::MAX, |bytes| (bytes / 3) as usize);
        Self { n_bytes: of_file.min(of_memory), is_of_memory: of_memory < of_file }
    }
}

/// A compression that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstandard,
}

impl Compression {
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstandard),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstandard => "zstd",
        }
    }

    /// The decompressed bytes, unless they are more than the limit.
    pub(super) fn decompress(self, bytes: &[u8], limit: Limit) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        let Limit { n_bytes, is_of_memory } = limit;
        let most = n_bytes as u64 + 1;
        let read = match self {
            Self::Gzip => MultiGzDecoder::new(bytes).take(most).read_to_end(&mut text),
            Self::Zstandard => Frames::new(bytes).take(most).read_to_end(&mut text),
        };
        let (name, n_compressed) = (self.name(), bytes.len());
        read.map_err(|why| {
            format!("expected a complete {name} file, found a damaged one ({why}); download or compress it again")
        })?;
        if text.len() <= n_bytes {
            return Ok(text);
        }
        let file = format!("the {name} file of {n_compressed} bytes holds more than");
        Err(if is_of_memory {
            format!(
                "{file} {} MiB, a third of the memory that is available; split it, or use a machine with more memory",
                n_bytes >> 20
            )
        } else {
            format!(
                "{file} {n_bytes}, over {} times its size; decompress it first if that is intended",
                n_bytes / n_compressed.max(1)
            )
        })
    }
}

/// Decompresses one frame of Zstandard after the other; skippable frames are skipped.
pub(super) struct Frames<R> {
    source: BufReader<R>,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(compressed: R) -> Self {
        Self {
            source: BufReader::new(compressed),
            decoder: FrameDecoder::new(),
            is_in_frame: false,
        }
    }

    /// Reads the header of the next frame; `false` at the end.
    fn start_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let skipped =
                        io::copy(&mut self.source.by_ref().take(length), &mut io::sink())?;
                    if skipped < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() {
            if self.is_in_frame {
                while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                    let wanted = BlockDecodingStrategy::UptoBytes(buffer.len());
                    let decoded = self.decoder.decode_blocks(&mut self.source, wanted);
                    decoded.map_err(io::Error::other)?;
                }
                let n = self.decoder.read(buffer)?;
                if n > 0 {
                    return Ok(n);
                }
            }
            self.is_in_frame = self.start_frame()?;
            if !self.is_in_frame {
                break;
            }
        }
        Ok(0)
    }
}
