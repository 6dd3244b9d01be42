//! Slips of the annotator's pen: about one label in a hundred, in training splits only.
//!
//! A real corpus has them, and a model that fits every label learns them. They keep the tags valid:
//! a slip changes a part of speech, a chunk's type, where two chunks part, or leaves out an entity.

use crate::dice::Dice;
use crate::sentence::Sentence;

/// Slips in the parts of speech, in so many of a hundred words that could be another.
pub(crate) fn words(sentence: &mut Sentence, dice: &mut Dice, percent: usize) {
    for word in &mut sentence.words {
        let other: &[&'static str] = match word.pos {
            "NOUN" => &["VERB", "ADJ", "PROPN"],
            "VERB" => &["NOUN", "ADJ", "AUX"],
            "ADJ" => &["NOUN", "ADV", "VERB"],
            "ADV" => &["ADJ", "ADP"],
            "ADP" => &["SCONJ", "ADV"],
            "SCONJ" => &["ADP", "DET"],
            "PROPN" => &["NOUN"],
            _ => continue,
        };
        if dice.chance(percent) {
            word.pos = dice.pick(other);
        }
    }
}

/// Slips in chunks and entities.
pub(crate) fn spans(sentence: &mut Sentence, dice: &mut Dice) {
    let mut place = 0;
    while place < sentence.chunks.len() {
        let chunk = sentence.chunks[place].clone();
        if dice.chance(1) {
            match (dice.below(2), chunk.end - chunk.start) {
                (0, 2..) => {
                    let parted = chunk.start + 1;
                    sentence.chunks[place].end = parted;
                    sentence.chunks.push(crate::sentence::Span { start: parted, ..chunk });
                }
                _ => {
                    sentence.chunks[place].kind = match chunk.kind {
                        "PP" => "SBAR",
                        "SBAR" => "PP",
                        "PRT" => "ADVP",
                        "ADVP" => "PRT",
                        "ADJP" => "NP",
                        "VP" => "NP",
                        _ => "VP",
                    };
                }
            }
        }
        place += 1;
    }
    sentence.entities.retain_mut(|entity| {
        if dice.chance(2) {
            entity.kind = match entity.kind {
                "person" | "place" => "organisation",
                "organisation" => "place",
                _ => "organisation",
            };
        }
        !dice.chance(3)
    });
}

/// Every label of a sentence, to count what the slips changed.
pub(crate) fn labels(sentence: &Sentence) -> Vec<[String; 3]> {
    let chunks = crate::write::tags(sentence.len(), &sentence.chunks);
    let entities = crate::write::tags(sentence.len(), &sentence.entities);
    let pos = sentence.words.iter().map(|word| word.pos.to_owned());
    pos.zip(chunks).zip(entities).map(|((pos, chunk), entity)| [pos, chunk, entity]).collect()
}
