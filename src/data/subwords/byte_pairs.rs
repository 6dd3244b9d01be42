//! Byte-pair encoding: the most frequent pair of adjacent subwords of the training splits is merged again and again
//! (Sennrich, Haddow and Birch 2016, "Neural Machine Translation of Rare Words with Subword Units").

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokenizers::{
    Trainer as _,
    models::bpe::{BPE, BpeTrainer},
};

use super::{SUBWORDS, UNKNOWN, marked};
use crate::data::{Fitted, Vocabulary};

/// The key of the merges, from the first on: the two subwords with a [`BREAK`] between.
pub(super) const MERGES: &str = "merges";

/// No word has a line break.
const BREAK: char = '\n';

/// Learns merges until there are so many subwords, or all characters if these are more. As subwords it has the
/// characters, for the first split.
pub(super) fn fit(size: usize, words: &Vocabulary) -> Fitted {
    let characters: BTreeSet<String> = words
        .iter()
        .flat_map(|(word, _)| marked(word).chars().map(String::from).collect::<Vec<_>>())
        .collect();
    let merges = merges(size.max(characters.len()), words);
    let characters = characters.iter().map(|character| (character.as_str(), 1)).collect();
    Fitted::default()
        .with_vocabulary(MERGES, merges)
        .with_vocabulary(SUBWORDS, Vocabulary::from_counts(characters, 1, None))
}

/// The model that was learnt; the error says what is missing.
pub(super) fn of(fitted: &Fitted) -> Result<BPE, String> {
    let subwords = fitted.vocabulary(SUBWORDS)?;
    let is_character = |item: &&str| item.chars().count() == 1;
    let characters = subwords.iter().map(|(item, _)| item).filter(is_character);
    let mut items: BTreeSet<String> = characters.map(str::to_owned).collect();
    items.insert(UNKNOWN.to_owned());
    let merges = fitted.vocabulary(MERGES)?;
    let mut pairs = Vec::with_capacity(merges.len());
    for (merge, _) in merges.iter() {
        let Some((left, right)) = merge.split_once(BREAK) else {
            return Err(format!("expected a merge of two subwords, found {merge:?}"));
        };
        items.extend([left.to_owned(), right.to_owned(), format!("{left}{right}")]);
        pairs.push([left, right]);
    }
    let vocab: serde_json::Map<String, Value> =
        items.into_iter().zip(0u32..).map(|(item, id)| (item, id.into())).collect();
    // In this form, as its constructors take hash maps of another library.
    let model = json!({
        "type": "BPE", "vocab": vocab, "merges": pairs, "unk_token": UNKNOWN, "fuse_unk": true
    });
    serde_json::from_str(&model.to_string()).map_err(|error| error.to_string())
}

/// The merges, in their order.
fn merges(size: usize, words: &Vocabulary) -> Vocabulary {
    let mut trainer = BpeTrainer::builder().vocab_size(size).show_progress(false).build();
    let occurrences =
        words.iter().flat_map(|(word, n)| std::iter::repeat_n(marked(word), n as usize));
    let mut model = BPE::default();
    let fed = trainer.feed(occurrences, |word| Ok(vec![word.to_owned()]));
    // Its errors are those of the closure above, which has none.
    fed.and_then(|()| trainer.train(&mut model)).expect("words are not split before");
    let saved = serde_json::to_value(&model).expect("its form in JSON has strings as keys");
    let merges = saved["merges"].as_array().into_iter().flatten();
    let merge = |pair: &Value| Some(format!("{}{BREAK}{}", pair[0].as_str()?, pair[1].as_str()?));
    Vocabulary::in_order(merges.filter_map(merge))
}
