//! The vectors files of a run, stored once in its folder: a run scores and predicts, and can be
//! moved, without the files that its recipe names.
//!
//! Words outside training have vectors that never change, so they are no part of the checkpoints,
//! which are written at every evaluation; each names the stored files by the digest of their
//! contents. A file in `checkpoints/vectors/DIGEST.safetensors` has the tensors `vectors` (words,
//! dimension) and `words`, the words in UTF-8 with a newline after each. 400,000 words of dimension
//! 100 take 156 MiB of vectors and about 4 MiB of words; `max_vectors` bounds it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use candle_core::{Device, safetensors::load};
use safetensors::serialize_to_file;

use super::{CheckpointError, FOLDER, sync_folder, tensor_bytes::TensorBytes, write_tensors};
use crate::{
    data::vectors::WordVectors,
    recipe::{self, VectorsByEncoder},
};

const STORE: &str = "vectors";
const VECTORS: &str = "vectors";
const WORDS: &str = "words";

/// Stores these files in a run's folder, each once.
pub fn save(run: &Path, vectors: &VectorsByEncoder) -> Result<()> {
    for vectors in vectors.values() {
        let place = path(run, vectors.digest());
        if place.is_file() {
            continue;
        }
        // Relative to the run's folder: the journal contains no path.
        let what = || format!("{FOLDER}/{STORE}: cannot be written");
        write(&place, vectors).with_context(what)?;
    }
    Ok(())
}

/// The stored files of a run, by encoder, given their digests: see [`recipe::vector_digests`].
pub fn load_all(
    run: &Path,
    digests: &BTreeMap<String, String>,
) -> Result<VectorsByEncoder, CheckpointError> {
    let mut by_digest = BTreeMap::<&str, Arc<WordVectors>>::new();
    for digest in digests.values() {
        if !by_digest.contains_key(digest.as_str()) {
            by_digest.insert(digest, Arc::new(read(&path(run, digest), digest)?));
        }
    }
    let of_encoder = |(key, digest): (&String, &String)| {
        (recipe::encoder_of_vectors(key).to_owned(), by_digest[digest.as_str()].clone())
    };
    Ok(digests.iter().map(of_encoder).collect())
}

fn path(run: &Path, digest: &str) -> PathBuf {
    run.join(FOLDER).join(STORE).join(format!("{digest}.safetensors"))
}

/// Writes a file beside its place and renames it, so that its name always refers to a complete one.
fn write(place: &Path, vectors: &WordVectors) -> Result<()> {
    let words: String = vectors.words().flat_map(|word| [word, "\n"]).collect();
    let shape = vec![vectors.len(), vectors.width()];
    let tensors = [
        (VECTORS, TensorBytes::numbers(vectors.rows(), shape)),
        (WORDS, TensorBytes::text(&words)),
    ];
    let folder = place.parent().expect("the store is in a folder");
    let part = place.with_extension("part");
    let write = || -> Result<()> {
        fs::create_dir_all(folder)?;
        write_tensors(&part, |path| Ok(serialize_to_file(tensors, None, path)?))?;
        fs::rename(&part, place)?;
        Ok(sync_folder(folder)?)
    };
    let written = write();
    if written.is_err() {
        // A full disk needs the space.
        let _ = fs::remove_file(&part);
    }
    written
}

fn read(place: &Path, digest: &str) -> Result<WordVectors, CheckpointError> {
    let damaged = |what: &str| CheckpointError::Damaged {
        path: place.to_owned(),
        what: format!("expected the pretrained vectors of the run, found {what}"),
    };
    if !place.is_file() {
        return Err(damaged("no such file"));
    }
    let vectors = || -> Option<WordVectors> {
        let mut tensors = load(place, &Device::Cpu).ok()?;
        let (vectors, words) = (tensors.remove(VECTORS)?, tensors.remove(WORDS)?);
        let words = String::from_utf8(words.to_vec1::<u8>().ok()?).ok()?;
        let (n_words, width) = vectors.dims2().ok()?;
        let rows = vectors.flatten_all().ok()?.to_vec1::<f32>().ok()?;
        let vectors = WordVectors::of_rows(words.split_terminator('\n'), width, rows)?;
        (vectors.len() == n_words).then(|| vectors.with_digest(digest))
    };
    let vectors = vectors().ok_or_else(|| damaged("other tensors, or a damaged file"))?;
    if vectors.rows().iter().all(|x| x.is_finite()) {
        Ok(vectors)
    } else {
        Err(damaged("a value that is not finite"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_vectors_are_read_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let rows = vec![1.0, -0.0, f32::MIN_POSITIVE / 2.0, 0.1, 3.0, 4.0];
        let words = ["the", "New York", "\u{a0}"].into_iter();
        let vectors = WordVectors::of_rows(words, 2, rows.clone()).unwrap().with_digest("9-abc");
        let all: VectorsByEncoder =
            ["a", "b"].map(|name| (name.to_owned(), Arc::new(vectors.clone()))).into();
        save(folder.path(), &all).unwrap();
        let stored = fs::read_dir(folder.path().join("checkpoints/vectors")).unwrap();
        assert_eq!(stored.count(), 1);
        let read = load_all(folder.path(), &recipe::vector_digests(&all)).unwrap();
        assert_eq!(read, all);
        let bits = |rows: &[f32]| rows.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(read["b"].rows()), bits(&rows));
        assert!(Arc::ptr_eq(&read["a"], &read["b"]));
    }

    #[test]
    fn a_stored_file_that_is_missing_or_damaged_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let digests = BTreeMap::from([("words".to_owned(), "9-abc".to_owned())]);
        let error = |()| load_all(folder.path(), &digests).unwrap_err().to_string();
        let expected = "9-abc.safetensors: expected the pretrained vectors of the run, found ";
        assert!(error(()).contains(&format!("{expected}no such file")));
        let place = path(folder.path(), "9-abc");
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, b"x").unwrap();
        assert!(error(()).contains(&format!("{expected}other tensors, or a damaged file")));
        fs::remove_file(&place).unwrap();
        let vectors = WordVectors::of_rows(["a"].into_iter(), 1, vec![f32::NAN]).unwrap();
        let vectors = Arc::new(vectors.with_digest("9-abc"));
        save(folder.path(), &VectorsByEncoder::from([("words".to_owned(), vectors)])).unwrap();
        assert!(error(()).contains(&format!("{expected}a value that is not finite")));
    }

    #[cfg(unix)]
    #[test]
    fn a_stored_file_has_the_permissions_of_a_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("other");
        fs::write(&other, "").unwrap();
        let vectors = WordVectors::of_rows(["a"].into_iter(), 1, vec![1.0]).unwrap();
        let vectors = Arc::new(vectors.with_digest("9-abc"));
        save(folder.path(), &VectorsByEncoder::from([("words".to_owned(), vectors)])).unwrap();
        let permissions = |path: &Path| fs::metadata(path).unwrap().permissions();
        assert_eq!(permissions(&path(folder.path(), "9-abc")), permissions(&other));
    }
}
