//! The readers against public corpora, whose sentences and tokens others have counted.
//!
//! `AUXDESK_CORPORA` names the folder that holds them; without it there is nothing to do.

use std::path::PathBuf;

use super::{Source, testing::Setting};
use crate::data::vectors::read_vectors;

/// File, sentences, tokens.
type Count = (&'static str, usize, usize);

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("AUXDESK_CORPORA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: AUXDESK_CORPORA is not set");
    }
    folder
}

#[track_caller]
fn check(setting: &Setting, counts: &[Count]) {
    let Some(folder) = folder() else { return };
    for &(file, n_sentences, n_tokens) in counts {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let reading = setting.read(&bytes);
        assert_eq!(reading.faults(), [""; 0], "{file}");
        let size = reading.read.part.size();
        assert_eq!((size.examples, size.tokens), (n_sentences as u64, n_tokens as u64), "{file}");
        let written = if setting.is_columns() {
            let written = String::from_utf8(setting.write(&reading, "form", "?!?")).unwrap();
            assert_eq!(written.matches("?!?").count(), n_tokens, "{file}");
            written.replace("\t?!?", "").replace(" ?!?", "").into_bytes()
        } else {
            setting.write_gold(&reading, "form")
        };
        assert!(written == bytes, "{file} is not the same once the predictions are taken out");
    }
}

#[test]
fn conll_2000() {
    let counts = [
        ("conll2000-chunking/train.txt", 8_936, 211_727),
        ("conll2000-chunking/test.txt", 2_012, 47_377),
    ];
    check(&Setting::columns(&["form", "pos", "chunk"]), &counts);
}

#[test]
fn wnut_17() {
    let counts = [
        ("wnut17-ner/wnut17train.conll", 3_394, 62_730),
        ("wnut17-ner/emerging.dev.conll", 1_009, 15_733),
        ("wnut17-ner/emerging.test.annotated", 1_287, 23_394),
    ];
    check(&Setting::columns(&["form", "entity"]), &counts);
}

#[test]
fn danish_parts_of_speech() {
    let counts = [
        ("danish-pos-2col/da-ud-train.conllu", 4_868, 88_979),
        ("danish-pos-2col/da-ud-dev.conllu", 322, 5_870),
        ("danish-pos-2col/da-ud-test.conllu", 322, 5_884),
    ];
    check(&Setting::columns(&["form", "upos"]), &counts);
}

#[test]
fn multiged_swedish_and_italian() {
    let counts = [
        ("multiged2023-error-detection/swedish/sv_swell_train.tsv", 6_729, 115_203),
        ("multiged2023-error-detection/swedish/sv_swell_dev.tsv", 911, 15_685),
        ("multiged2023-error-detection/italian/it_merlin_train.tsv", 6_394, 80_335),
        ("multiged2023-error-detection/italian/it_merlin_dev.tsv", 758, 9_144),
    ];
    check(&Setting::columns(&["form", "correct"]), &counts);
}

#[test]
fn treebanks() {
    let counts = [
        ("ud-english-partut/en_partut-ud-train.conllu", 1_781, 43_504),
        ("ud-english-partut/en_partut-ud-dev.conllu", 156, 2_722),
        ("ud-english-partut/en_partut-ud-test.conllu", 153, 3_408),
        ("ud-french-partut/fr_partut-ud-train.conllu", 803, 24_107),
        ("ud-french-partut/fr_partut-ud-dev.conllu", 107, 1_870),
        ("ud-french-partut/fr_partut-ud-test.conllu", 110, 2_603),
        ("ud-hungarian-szeged/hu_szeged-ud-train.conllu", 910, 20_166),
        ("ud-hungarian-szeged/hu_szeged-ud-dev.conllu", 441, 11_418),
        ("ud-hungarian-szeged/hu_szeged-ud-test.conllu", 449, 10_448),
        ("ud-galician-treegal/gl_treegal-ud-train.conllu", 600, 15_436),
        ("ud-galician-treegal/gl_treegal-ud-test.conllu", 400, 10_112),
    ];
    check(&Setting::new("conllu"), &counts);
}

#[test]
fn glove() {
    let Some(folder) = folder() else { return };
    let file = "glove-6b-50d-top15k/glove.6B.50d.top15000.txt";
    let bytes = std::fs::read(folder.join(file)).unwrap();
    let source = Source { name: file.into(), bytes: bytes.into() };
    let vectors = read_vectors(&source, 50, |_| true).unwrap();
    assert_eq!(vectors.len(), 15_000);
    assert_eq!(vectors["the"][..2], [0.418, 0.249_68]);
    let error = read_vectors(&source, 25, |_| true).unwrap_err();
    assert!(error.to_string().ends_with(":1: 50 numbers after the word, wanted 25"), "{error}");
}
