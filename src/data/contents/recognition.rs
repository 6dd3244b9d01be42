//! Files that are not text, by their first bytes: what they are, and what to do.

/// The bytes by which the format of a long file is recognized.
pub(super) const HEAD: u64 = 1 << 13;

/// The message about a file that is not text; `None` for text.
pub(super) fn other_format(bytes: &[u8]) -> Option<String> {
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
        return found(
            "an HTML page",
            "download the file itself; if pages are the corpus, convert them to text first, for example with \
             pandoc --to plain",
        );
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
