//! Files before a format reads them: compressed ones, other encodings, other formats; and vectors.

use std::{
    io::{Read, Write},
    sync::Arc,
};

use auxdesk::data::{
    contents::{stream, text},
    vectors::{VectorFile, WordVectors, read},
};
use flate2::{Compression, write::GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::fuzz;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// The same text as it is, compressed, in parts and in other encodings.
fn forms(plain: &str) -> Vec<Vec<u8>> {
    let bytes = plain.as_bytes();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let marked = format!("\u{feff}{plain}");
    let skipped = b"\x50\x2a\x4d\x18\x03\0\0\0xyz".to_vec();
    vec![
        bytes.to_vec(),
        marked.clone().into_bytes(),
        marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        gzip(bytes),
        [gzip(first), gzip(second)].concat(),
        zstd(bytes),
        [zstd(first), skipped, zstd(second)].concat(),
    ]
}

#[test]
fn files_of_any_kind_are_text_or_refused() {
    let corpus = "EU\tB-ORG\nrejects\tO\né😀\tB-MISC\n\n".repeat(9);
    let mut files = forms(&corpus);
    files.extend(
        ["PK\x03\x04\x14\0", "BZh91AY&SY", "{\\rtf1 a}", "<!doctype html><p>a</p>"]
            .map(|start| start.as_bytes().to_vec()),
    );
    let mut n_texts = 0;
    fuzz("contents", 6000, &files, |_, bytes| {
        n_texts += usize::from(text(bytes.to_vec()).is_ok());
        let mut read = Vec::new();
        let _ = stream(bytes).map(|mut stream| stream.read_to_end(&mut read));
    });
    assert!(n_texts > 1000, "{n_texts} of 6000 are text");
}

/// A vectors file's bytes, read as a recipe's is.
fn vectors(bytes: &[u8], width: usize, max: usize) -> Option<WordVectors> {
    let name: Arc<str> = "fuzz".into();
    let contents = stream(bytes).ok()?;
    let file = VectorFile { name: &name, contents, len: Some(bytes.len() as u64), memory: None };
    read(file, width, max).ok()
}

#[test]
fn vectors_files_of_any_contents_are_read_or_refused() {
    let glove = "the 0.1 -2e-3 3\nNew York 1 2 3\né\t4 5 6\nthe 7 8 9\n. 1 1 1\n";
    let word2vec = "4 3 \nthe 0.1 0.2 0.3 \n</s> 1 2 3 \nof 4 5 6 \n a 7 8 9 \n";
    let files = [forms(glove), forms(word2vec)].concat();
    let mut n_read = 0;
    fuzz("vectors", 8000, &files, |file, bytes| {
        for (width, max) in [(3, usize::MAX), (3, 2), (1, 1), (4, usize::MAX)] {
            let Some(read) = vectors(bytes, width, max) else { continue };
            n_read += 1;
            assert!(!read.is_empty() && read.len() <= max, "{file}: {} words", read.len());
            assert_eq!(read.rows().len(), read.len() * width);
            assert!(read.rows().iter().all(|x| x.is_finite()));
            for word in read.words() {
                assert!(!word.is_empty() && read.get(word).is_some());
            }
        }
    });
    assert!(n_read > 2000, "{n_read} vectors files are read");
}
