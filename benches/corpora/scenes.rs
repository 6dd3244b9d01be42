//! Pictures with sentences about them that are true or false, as manifests of format `frames`: ShapeWorld (Kuhnle and
//! Copestake 2017) and NLVR (Suhr et al. 2017). The pictures stay where they are.
//!
//! An object has the `caption`, whether it is `true`, and the words for what is `seen`: the colors and the forms of the
//! objects in the picture.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, absolute},
};

use serde_json::{Value, json};

/// The split of a group by its place from 0: of every five the fourth is for dev, and the fifth for test.
fn split_of(place: usize) -> &'static str {
    match place % 5 {
        3 => "dev",
        4 => "test",
        _ => "train",
    }
}

/// The lines of `train.jsonl`, `dev.jsonl` and `test.jsonl`.
#[derive(Default)]
struct Manifests(BTreeMap<&'static str, String>);

impl Manifests {
    fn push(&mut self, split: &'static str, object: &Value) {
        let lines = self.0.entry(split).or_default();
        lines.push_str(&object.to_string());
        lines.push('\n');
    }

    fn write(self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        for (split, lines) in self.0 {
            fs::write(folder.join(format!("{split}.jsonl")), lines).unwrap();
        }
    }
}

/// Distinct words in alphabetical order, with spaces between.
fn words(words: impl Iterator<Item = String>) -> String {
    words.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
}

/// Converts a folder of ShapeWorld. All captions of a picture are in one split.
pub(crate) fn shapeworld(from: &Path, into: &Path) {
    let text = |name: &str| fs::read_to_string(from.join(name)).unwrap();
    let (captions, agreements) = (text("caption.txt"), text("agreement.txt"));
    let captions: Vec<&str> = captions.trim().split("\n\n").map(str::trim).collect();
    let agreements: Vec<&str> = agreements.lines().collect();
    let model: Value = serde_json::from_str(&text("world_model.json")).unwrap();
    let worlds = model.as_array().unwrap();
    assert_eq!([captions.len(), agreements.len()], [worlds.len(); 2]);
    let mut manifests = Manifests::default();
    for (place, world) in worlds.iter().enumerate() {
        let picture = absolute(from.join(format!("world-{place}.png"))).unwrap();
        let name = |entity: &Value, of: &str| entity[of]["name"].as_str().unwrap().to_owned();
        let entities = world["entities"].as_array().unwrap().iter();
        let seen = words(entities.flat_map(|entity| ["color", "shape"].map(|of| name(entity, of))));
        let (captions, agreements) = (captions[place].lines(), agreements[place].split(';'));
        assert_eq!(captions.clone().count(), agreements.clone().count());
        for (caption, agreement) in captions.zip(agreements) {
            let (caption, is_true) = (caption.trim(), agreement.trim() == "1.0");
            let object =
                json!({ "frames": picture, "caption": caption, "true": is_true, "seen": seen });
            manifests.push(split_of(place), &object);
        }
    }
    manifests.write(into);
}

/// Converts the examples of NLVR that have pictures. All examples of a sentence are in one split.
pub(crate) fn nlvr(from: &Path, into: &Path) {
    let mut manifests = Manifests::default();
    let mut places = BTreeMap::<String, usize>::new();
    for line in fs::read_to_string(from.join("dev.json")).unwrap().lines() {
        let example: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| example[key].as_str().unwrap().to_owned();
        let (sentence, identifier) = (text("sentence").to_lowercase(), text("identifier"));
        let name = format!("dev-images/{}/dev-{identifier}-0.png", text("directory"));
        let picture = absolute(from.join(name)).unwrap();
        let next = places.len();
        let place = *places.entry(sentence.clone()).or_insert(next);
        let boxes = example["structured_rep"].as_array().unwrap().iter();
        let seen = words(boxes.flat_map(|of| of.as_array().unwrap()).flat_map(|object| {
            // Colors are names, or codes as in HTML.
            let color = match object["color"].as_str().unwrap() {
                "#0099ff" => "blue".to_owned(),
                named => named.to_lowercase(),
            };
            [color, object["type"].as_str().unwrap().to_owned()]
        }));
        let is_true = text("label") == "true";
        let object =
            json!({ "frames": picture, "caption": sentence, "true": is_true, "seen": seen });
        manifests.push(split_of(place), &object);
    }
    manifests.write(into);
}
