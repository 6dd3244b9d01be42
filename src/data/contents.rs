//! The text of a file: gzip (RFC 1952) and Zstandard (RFC 8878) are decompressed, UTF-16 with its byte order
//! mark becomes UTF-8, and files that are no text are refused by the name of their format. All are recognized by
//! their first bytes, never by the name of the file.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
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

/// The text in the bytes of a file: UTF-8, or another encoding that a recipe declares. The error says what the
/// bytes are instead, and what to do; it follows the file's name in a message.
pub fn text(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    let limit = bytes.len().saturating_mul(MAX_RATIO).clamp(ALWAYS_ACCEPTED, MAX_SIZE);
    let bytes = match Compression::of(&bytes) {
        Some(compression) => compression.decompress(&bytes, limit)?,
        None => bytes,
    };
    if let Some(what) = other_format(&bytes) {
        return Err(what);
    }
    match bytes.as_slice() {
        [0xff, 0xfe, text @ ..] => utf_16(UTF_16LE, text),
        [0xfe, 0xff, text @ ..] => utf_16(UTF_16BE, text),
        _ => Ok(bytes),
    }
}

/// The same for a long file, which is decompressed while it is read, and need not fit into memory. Its byte order
/// mark in UTF-8 is left out; UTF-16 is left as it is.
pub fn stream<'a>(mut contents: impl Read + 'a) -> Result<Box<dyn Read + 'a>, String> {
    let mut start = Vec::new();
    let read = contents.by_ref().take(HEAD).read_to_end(&mut start);
    read.map_err(|error| error.to_string())?;
    let compression = Compression::of(&start);
    if let Some(what) = other_format(&start).filter(|_| compression.is_none()) {
        return Err(what);
    }
    if start.starts_with(BYTE_ORDER_MARK) {
        start.drain(..BYTE_ORDER_MARK.len());
    }
    let whole = Cursor::new(start).chain(contents);
    Ok(match compression {
        None => Box::new(whole),
        Some(Compression::Gzip) => Box::new(MultiGzDecoder::new(whole)),
        Some(Compression::Zstandard) => Box::new(Frames::new(whole)),
    })
}

/// The byte order mark in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The bytes by which the format of a long file is recognized.
const HEAD: u64 = 1 << 13;

/// Decompresses one frame of Zstandard after the other; skippable frames are skipped.
struct Frames<R> {
    source: BufReader<R>,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: Read> Frames<R> {
    fn new(compressed: R) -> Self {
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

/// A compression that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    Gzip,
    Zstandard,
}

impl Compression {
    fn of(bytes: &[u8]) -> Option<Self> {
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

    /// The decompressed bytes, at most `limit` of them.
    fn decompress(self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        let most = limit as u64 + 1;
        let read = match self {
            Self::Gzip => MultiGzDecoder::new(bytes).take(most).read_to_end(&mut text),
            Self::Zstandard => Frames::new(bytes).take(most).read_to_end(&mut text),
        };
        let name = self.name();
        read.map_err(|why| {
            format!("cannot be decompressed: {why}; expected a complete {name} file")
        })?;
        if text.len() > limit {
            return Err(format!(
                "the {name} file of {} bytes holds more than {limit}, over {} times its size; \
                 decompress it first if that is intended",
                bytes.len(),
                limit / bytes.len().max(1)
            ));
        }
        Ok(text)
    }
}

fn utf_16(encoding: &'static Encoding, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(|text| text.into_owned().into_bytes()).ok_or_else(|| {
        format!(
            "not valid {}, which its byte order mark announces; save it as UTF-8",
            encoding.name()
        )
    })
}

/// First bytes of formats that are not text, with their names and what to do.
const MAGIC: &[(&[u8], &str, &str)] = &[
    (b"PK\x03\x04", "a zip archive (or a document in one)", EXTRACT),
    (b"\xfd7zXZ\0", "compressed with xz", DECOMPRESS),
    (b"BZh", "compressed with bzip2", DECOMPRESS),
    (b"\x04\x22\x4d\x18", "compressed with lz4", DECOMPRESS),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", EXTRACT),
    (b"Rar!", "a rar archive", EXTRACT),
    (b"\x1f\x8b", "compressed with gzip", DECOMPRESS),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", DECOMPRESS),
    (b"%PDF-", "a PDF document", EXPORT),
    (b"\xd0\xcf\x11\xe0", "a document of an older Microsoft Office", EXPORT),
    (b"{\\rtf", "an RTF document", EXPORT),
    (b"PAR1", "a Parquet file", EXPORT),
    (b"ARROW1", "an Arrow file", EXPORT),
    (b"\x89HDF", "an HDF5 file", EXPORT),
    (b"SQLite format 3\0", "an SQLite database", EXPORT),
    (b"\x93NUMPY", "a NumPy array", EXPORT),
    (b"\x80\x02", "a Python pickle", EXPORT),
    (b"\x80\x03", "a Python pickle", EXPORT),
    (b"\x80\x04", "a Python pickle", EXPORT),
    (b"\x80\x05", "a Python pickle", EXPORT),
    (b"\x89PNG", "a PNG picture", EXPORT),
    (b"\xff\xd8\xff", "a JPEG picture", EXPORT),
    (b"RIFF", "a RIFF file (WAV, AVI)", EXPORT),
    (b"\x7fELF", "a program", EXPORT),
    (b"\xba\x16\x4f\x2f", "a fastText model", EXPORT),
    (
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer",
        "fetch it with git lfs pull",
    ),
];

const EXTRACT: &str = "extract it and name a text file";
const DECOMPRESS: &str = "decompress it; gzip and zstd are read as they are";
const EXPORT: &str = "export it as text";

/// The message about a file that is not text; `None` for text.
fn other_format(bytes: &[u8]) -> Option<String> {
    let found = |what: &str, advice: &str| Some(format!("expected text, found {what}; {advice}"));
    if let [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] = bytes {
        return found("UTF-32", "save it as UTF-8");
    }
    let is_tar = bytes.get(257..262) == Some(b"ustar");
    if is_tar {
        return found("a tar archive", EXTRACT);
    }
    // A corpus in upper case may begin with RIFF or BZh; these formats have bytes below 32 soon after.
    let has_controls =
        bytes.iter().take(64).any(|&byte| byte < 32 && !b"\t\n\r\x0b\x0c".contains(&byte));
    let magic = MAGIC.iter().find(|(magic, ..)| {
        let is_word = magic.iter().all(u8::is_ascii_alphanumeric);
        bytes.starts_with(magic) && (has_controls || !is_word)
    });
    if let Some((_, what, advice)) = magic {
        return found(what, advice);
    }
    let start = bytes[..bytes.len().min(HEAD as usize)].trim_ascii_start();
    let first_line = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
    // A text of a corpus may be a page: then a label follows it.
    let has_columns = first_line.iter().any(|byte| b"\t,".contains(byte));
    let first_line = first_line[..first_line.len().min(20)].to_ascii_lowercase();
    let is_page = first_line.starts_with(b"<!doctype html") || first_line.starts_with(b"<html");
    if is_page && !has_columns {
        return found("an HTML page", "download the file itself");
    }
    // Text in UTF-16 with a mark is decoded.
    if matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        return None;
    }
    let start = &bytes[..bytes.len().min(1 << 13)];
    let zeros =
        |parity: usize| start.iter().skip(parity).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    // One in five: a stray zero byte is left to the reader.
    if 5 * (even + odd) < start.len() || start.is_empty() {
        None
    } else if even == 0 || odd == 0 {
        let order = if even == 0 { "little" } else { "big" };
        found(
            &format!("UTF-16 ({order} endian) without a byte order mark"),
            "save it as UTF-8, or with the mark",
        )
    } else {
        found("binary data", EXPORT)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression as Level, write::GzEncoder};
    use proptest::prelude::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    #[test]
    fn gzip_and_zstd_are_decompressed_also_in_several_parts() {
        assert_eq!(text(gzip(b"a N\n")).unwrap(), b"a N\n");
        assert_eq!(text(zstd(b"a N\n")).unwrap(), b"a N\n");
        assert_eq!(text([gzip(b"a"), gzip(b"b")].concat()).unwrap(), b"ab");
        let skipped = b"\x50\x2a\x4d\x18\x03\0\0\0xyz";
        assert_eq!(text([&zstd(b"a")[..], skipped, &zstd(b"b")].concat()).unwrap(), b"ab");
        assert_eq!(text(b"a N\n".to_vec()).unwrap(), b"a N\n");
        assert_eq!(text(Vec::new()).unwrap(), b"");
    }

    #[test]
    fn a_long_file_is_decompressed_while_it_is_read() {
        let read = |bytes: Vec<u8>| {
            let mut text = Vec::new();
            stream(&bytes[..])?.read_to_end(&mut text).map_err(|error| error.to_string())?;
            Ok::<_, String>(text)
        };
        let long: Vec<u8> =
            (0..100_000_u32).flat_map(|n| format!("w{n} 1\n").into_bytes()).collect();
        let (first, second) = long.split_at(long.len() / 3);
        assert_eq!(read(long.clone()).unwrap(), long);
        assert_eq!(read([gzip(first), gzip(second)].concat()).unwrap(), long);
        assert_eq!(read([zstd(first), zstd(second)].concat()).unwrap(), long);
        assert_eq!(read(Vec::new()).unwrap(), b"");
        // As compressors in parallel write: many frames, some without text.
        let skippable = b"\x50\x2a\x4d\x18\x03\0\0\0xyz".to_vec();
        let frames = [zstd(b"a"), skippable, zstd(b"")].concat().repeat(2000);
        assert_eq!(read(frames).unwrap(), b"a".repeat(2000));
        assert_eq!(read(b"\xef\xbb\xbfa 1\n".to_vec()).unwrap(), b"a 1\n");
        let compressed = [gzip(&long), zstd(&long)];
        for bytes in compressed {
            assert!(read(bytes[..bytes.len() - 9].to_vec()).is_err());
        }
        let why = read(b"PK\x03\x04\x14\0".to_vec()).unwrap_err();
        assert!(why.starts_with("expected text, found a zip archive"), "{why}");
    }

    #[test]
    fn a_decompression_bomb_is_refused_before_it_fills_the_memory() {
        let zeros = vec![b'a'; 1 << 20];
        for (compression, bytes) in
            [(Compression::Gzip, gzip(&zeros)), (Compression::Zstandard, zstd(&zeros))]
        {
            let why = compression.decompress(&bytes, (1 << 20) - 1).unwrap_err();
            assert!(why.contains("holds more than 1048575, over "), "{why}");
            assert_eq!(compression.decompress(&bytes, 1 << 20).unwrap(), zeros);
        }
    }

    #[test]
    fn a_truncated_archive_is_a_fault() {
        for bytes in [gzip(b"a long enough text"), zstd(b"a long enough text")] {
            let why = text(bytes[..bytes.len() - 9].to_vec()).unwrap_err();
            assert!(why.starts_with("cannot be decompressed: "), "{why}");
        }
    }

    #[test]
    fn utf_16_with_its_mark_becomes_utf_8() {
        let little: Vec<u8> = "\u{feff}é\t😀\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "\u{feff}é\t😀\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [&little, &big, &gzip(&little)] {
            assert_eq!(text(bytes.clone()).unwrap(), "é\t😀\n".as_bytes());
        }
        let why = text(b"\xff\xfea\0\x00\xd8".to_vec()).unwrap_err();
        assert_eq!(
            why,
            "not valid UTF-16LE, which its byte order mark announces; save it as UTF-8"
        );
        let unmarked: Vec<u8> = "a N\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(
            text(unmarked).unwrap_err(),
            "expected text, found UTF-16 (little endian) without a byte order mark; \
             save it as UTF-8, or with the mark"
        );
    }

    #[test]
    fn a_file_that_is_no_text_is_named() {
        let mut tar = vec![b'a'; 257];
        tar.extend(b"ustar\0");
        for (bytes, what) in [
            (&b"PK\x03\x04\x14\0"[..], "a zip archive (or a document in one)"),
            (b"\xfd7zXZ\0\0", "compressed with xz"),
            (b"BZh91AY&SY\0\0\0", "compressed with bzip2"),
            (b"%PDF-1.4\n", "a PDF document"),
            (b"PAR1\x15\x04", "a Parquet file"),
            (b"\xff\xfe\0\0a\0\0\0", "UTF-32"),
            (&tar, "a tar archive"),
            (b" <!DOCTYPE HTML>\n", "an HTML page"),
            (b"\0\0\x01\0\0\0\0\x02", "binary data"),
            (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        ] {
            let why = text(bytes.to_vec()).unwrap_err();
            assert!(why.starts_with(&format!("expected text, found {what}; ")), "{why}");
        }
        let nested = text(gzip(&zstd(b"a"))).unwrap_err();
        assert!(nested.starts_with("expected text, found compressed with zstd; "), "{nested}");
        for line in
            ["RIFF\tNN\n", "PAR1 NN\n", "BZh\n", "a\0b\tN\n and more text\n", "<html><p>a\tspam\n"]
        {
            assert_eq!(text(line.into()).unwrap(), line.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_text_or_a_fault(
            magic in prop::sample::select(vec![&b"\x1f\x8b\x08"[..], b"\x28\xb5\x2f\xfd", b"\xff\xfe", b""]),
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let _ = text([magic, &bytes].concat());
        }
    }
}
