//! The text of a file: gzip (RFC 1952) and Zstandard (RFC 8878) are decompressed, UTF-16 with its byte order
//! mark becomes UTF-8, and files that are no text are refused by the name of their format. All are recognized by
//! their first bytes, never by the name of the file.

mod compression;
mod recognition;

use std::io::{Cursor, Read};

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use flate2::read::MultiGzDecoder;

use crate::process_memory::available_bytes;
use compression::{Compression, Frames, Limit};
use recognition::{HEAD, other_format};

/// The text in the bytes of a file: UTF-8, or another encoding that a recipe declares. The error says what the
/// bytes are instead, and what to do; it follows the file's name in a message.
pub fn text(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    let bytes = match Compression::of(&bytes) {
        Some(compression) => {
            compression.decompress(&bytes, Limit::of(bytes.len(), available_bytes()))?
        }
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

fn utf_16(encoding: &'static Encoding, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(|text| text.into_owned().into_bytes()).ok_or_else(|| {
        format!(
            "expected {}, as its byte order mark says, found other bytes; save it as UTF-8",
            encoding.name()
        )
    })
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
            let limit = |n_bytes| Limit { n_bytes, is_of_memory: false };
            let why = compression.decompress(&bytes, limit((1 << 20) - 1)).unwrap_err();
            assert!(why.contains(" holds more than 1048575, over "), "{why}");
            assert_eq!(compression.decompress(&bytes, limit(1 << 20)).unwrap(), zeros);
        }
    }

    #[test]
    fn a_compressed_file_takes_a_third_of_the_memory_at_hand_at_most() {
        const MIB: usize = 1 << 20;
        let limit = |n_compressed, available| Limit::of(n_compressed, available);
        let of_file = |n_bytes| Limit { n_bytes, is_of_memory: false };
        let of_memory = |n_bytes| Limit { n_bytes, is_of_memory: true };
        assert_eq!(limit(MIB, None), of_file(100 * MIB));
        assert_eq!(limit(MIB, Some(400 << 20)), of_file(100 * MIB));
        assert_eq!(limit(MIB, Some(150 << 20)), of_memory(50 * MIB));
        assert_eq!(limit(10, Some(600 << 20)), of_file(64 * MIB));
        assert_eq!(limit(1 << 30, Some(90 << 30)), of_file(8 << 30));
        let why = Compression::Gzip.decompress(&gzip(&vec![b'a'; 4 * MIB]), of_memory(3 * MIB));
        let why = why.unwrap_err();
        let wanted = "holds more than 3 MiB, a third of the memory that is available; split it, or use a machine \
                      with more memory";
        assert!(why.ends_with(wanted), "{why}");
    }

    #[test]
    fn a_truncated_archive_is_a_fault() {
        for bytes in [gzip(b"a long enough text"), zstd(b"a long enough text")] {
            let why = text(bytes[..bytes.len() - 9].to_vec()).unwrap_err();
            assert!(why.starts_with("expected a complete "), "{why}");
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
            "expected UTF-16LE, as its byte order mark says, found other bytes; save it as UTF-8"
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
            (b"<html>\n<body>a text</body>\n</html>\n", "an HTML page"),
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
