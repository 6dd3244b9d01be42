//! Moving shapes on a grid, seen as frames of features, with captions; and pairs of sentences about other scenes.
//!
//! A scene has a shape that moves, or appears, or stays, and often a second one that stays (`world`). A frame is what an
//! encoder of pictures could give, a vector to which each shape adds features of its motion, of its place, and of its form
//! and color, the last in proportion to a function of its place. The caption says what happens by a small grammar (`sentence`); it follows from
//! the frames, but forms, colors and ways of moving are Zipf-distributed, so that many are rare in the few scenes with
//! captions. Clips are scenes without captions, with the words for what is seen in them. Pairs are a longer report of a
//! scene and a sentence that follows from it, which is as a caption is.

mod sentence;
mod world;

use std::collections::BTreeSet;

use crate::corpus::{Binary, File};
use crate::dice::Dice;
use world::{N_FEATURES, N_FRAMES, Scene, Senses};

/// The scenes with captions.
const CAPTIONED: [(&str, usize); 3] = [("train", 200), ("dev", 100), ("test", 200)];

/// Scenes without captions.
const CLIPS: [(&str, usize); 2] = [("clips.train", 600), ("clips.dev", 60)];

/// Pairs of sentences.
const PAIRS: [(&str, usize); 2] = [("train", 1000), ("dev", 100)];

/// The texts, and the frames. No two scenes with frames have the same caption.
pub(crate) fn files(seed: u64) -> (Vec<File>, Vec<Binary>) {
    let senses = Senses::draw(&mut Dice::new(seed));
    let (mut dice, mut seen) = (Dice::new(seed + 1), BTreeSet::new());
    let (mut files, mut binaries) = (Vec::new(), Vec::new());
    for (name, n, is_captioned) in CAPTIONED
        .iter()
        .map(|&(name, n)| (name, n, true))
        .chain(CLIPS.iter().map(|&(name, n)| (name, n, false)))
    {
        let scenes = scenes(n, &mut dice, &mut seen);
        let line = |(at, scene): (usize, &Scene)| {
            let words = sentence::seen(scene);
            let caption = if is_captioned {
                format!("\"caption\": \"{}\", ", sentence::caption(scene))
            } else {
                String::new()
            };
            format!(
                "{{\"frames\": \"{name}.safetensors\", \"tensor\": \"{at}\", {caption}\"seen\": \"{words}\"}}\n"
            )
        };
        let text = scenes.iter().enumerate().map(line).collect();
        let about = format!("{n} scenes");
        files.push(File { path: format!("scenes/{name}.jsonl"), text, about: about.clone() });
        let frames: Vec<Vec<u8>> =
            scenes.iter().map(|scene| senses.frames(scene, &mut dice)).collect();
        binaries.push(Binary {
            path: format!("scenes/{name}.safetensors"),
            bytes: tensors(&frames),
            about,
        });
    }
    // A pair may say what a caption says, but not what another pair does.
    let mut said = BTreeSet::new();
    for (name, n) in PAIRS {
        let scenes = scenes(n, &mut dice, &mut said);
        let lines = |say: fn(&Scene) -> String| scenes.iter().map(|it| say(it) + "\n").collect();
        let texts: [(&str, String); 2] =
            [("report", lines(sentence::report)), ("entailed", lines(sentence::caption))];
        for (kind, text) in texts {
            let about = format!("{n} sentences, {} words", text.split_whitespace().count());
            files.push(File { path: format!("scenes/{name}.{kind}"), text, about });
        }
    }
    (files, binaries)
}

/// Scenes whose captions are new.
fn scenes(n: usize, dice: &mut Dice, seen: &mut BTreeSet<String>) -> Vec<Scene> {
    let mut scenes = Vec::with_capacity(n);
    while scenes.len() < n {
        let scene = Scene::draw(dice);
        if seen.insert(sentence::caption(&scene)) {
            scenes.push(scene);
        }
    }
    scenes
}

/// A safetensors file whose tensors are called 0, 1, 2, ..: frames × features, in 8 bits.
fn tensors(all: &[Vec<u8>]) -> Vec<u8> {
    let size = N_FRAMES * N_FEATURES;
    let tensor = |at: usize| {
        let (start, end) = (at * size, (at + 1) * size);
        format!(
            "\"{at}\":{{\"dtype\":\"U8\",\"shape\":[{N_FRAMES},{N_FEATURES}],\"data_offsets\":[{start},{end}]}}"
        )
    };
    let tensors: Vec<String> = (0..all.len()).map(tensor).collect();
    let header = format!("{{{}}}", tensors.join(","));
    // Aligned to 8 bytes by spaces.
    let header = format!("{header:width$}", width = header.len().next_multiple_of(8));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.into_bytes());
    bytes.extend(all.iter().flatten());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_of_train_or_of_test_and_have_a_long_tail() {
        let (files, binaries) = files(1);
        let of = |path: &str| files.iter().find(|file| file.path == path).unwrap().text.as_str();
        let captions = |path: &str| -> BTreeSet<String> {
            let caption = |line: &str| {
                line.split("\"caption\": \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
            };
            of(path).lines().map(caption).collect()
        };
        let (train, test) = (captions("scenes/train.jsonl"), captions("scenes/test.jsonl"));
        assert_eq!((train.len(), test.len()), (200, 200));
        assert!(train.is_disjoint(&test));
        let n_said = |word: &str| {
            train.iter().flat_map(|text| text.split(' ')).filter(|other| *other == word).count()
        };
        let words: BTreeSet<&str> = test.iter().flat_map(|text| text.split(' ')).collect();
        let n_rare = words.iter().filter(|word| n_said(word) <= 5).count();
        assert!((10..words.len() / 2).contains(&n_rare), "{n_rare} of {}", words.len());
        for (name, n) in CAPTIONED.into_iter().chain(CLIPS) {
            let path = format!("scenes/{name}.safetensors");
            let bytes = &binaries.iter().find(|file| file.path == path).unwrap().bytes;
            let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            assert_eq!(bytes.len(), 8 + header + n * N_FRAMES * N_FEATURES);
            assert_eq!(of(&format!("scenes/{name}.jsonl")).lines().count(), n);
        }
        for (name, n) in PAIRS {
            for kind in ["report", "entailed"] {
                assert_eq!(of(&format!("scenes/{name}.{kind}")).lines().count(), n);
            }
        }
    }
}
