use proptest::prelude::*;

use super::*;

/// The dictionary of Sennrich, Haddow and Birch (2016).
fn words() -> Vocabulary {
    let counts = [("low", 5), ("lower", 2), ("newest", 6), ("widest", 3)];
    Vocabulary::from_counts(BTreeMap::from(counts), 1, None)
}

#[test]
fn pairs_are_merged_from_the_most_frequent_on() {
    // Eleven characters with the mark, and four merges: es and est occur 9 times, lo and low 7 times.
    let fitted = Subwords::fit(SubwordModel::BytePairs, 15, &words());
    let merges: Vec<&str> =
        fitted.vocabularies[byte_pairs::MERGES].iter().map(|(merge, _)| merge).collect();
    assert_eq!(merges.len(), 4);
    assert_eq!(merges[..2], ["e\ns", "es\nt"]);
    let subwords = Subwords::of(&fitted).unwrap();
    assert_eq!(subwords.split("lowest").last().unwrap(), "est");
    let more = Subwords::of(&Subwords::fit(SubwordModel::BytePairs, 30, &words())).unwrap();
    assert_eq!(more.split("low"), ["▁low"]);
    assert_eq!(more.split("newest"), ["▁newest"]);
}

#[test]
fn counts_are_those_of_the_subwords_that_training_uses() {
    let fitted = Subwords::fit(SubwordModel::BytePairs, 16, &words());
    let (subwords, vocabulary) = (Subwords::of(&fitted).unwrap(), &fitted.vocabularies[SUBWORDS]);
    let mut total = 0;
    for (word, count) in words().iter() {
        let split = subwords.split(word);
        assert_eq!(split.concat(), format!("▁{word}"));
        assert!(split.iter().all(|subword| vocabulary.count(subword) >= count), "{split:?}");
        total += count * split.len() as u64;
    }
    assert_eq!(vocabulary.iter().map(|(_, count)| count).sum::<u64>(), total);
    // A character that training lacks.
    let split = subwords.split("löw");
    assert!(split.iter().any(|subword| vocabulary.id(subword).is_none()), "{split:?}");
    // A word with a space.
    let spaced = Vocabulary::from_counts(BTreeMap::from([("10 000", 9)]), 1, None);
    let subwords = Subwords::of(&Subwords::fit(SubwordModel::BytePairs, 20, &spaced)).unwrap();
    assert_eq!(subwords.split("10 000"), ["▁10 000"]);
    assert_eq!(Subwords::text(&["▁a", "▁", "▁b", "▁"]), "a b");
}

#[test]
fn what_is_learnt_is_the_same_again_and_after_it_is_saved() {
    let counts: BTreeMap<String, u64> =
        (0..400u64).map(|n| (format!("{:x}{}", n * n * 7919, n % 7), 1 + n % 5)).collect();
    let counts = counts.iter().map(|(word, n)| (word.as_str(), *n)).collect();
    let words = Vocabulary::from_counts(counts, 1, None);
    for model in SubwordModel::NAMES.iter().map(|name| SubwordModel::find(name).unwrap()) {
        let fitted = Subwords::fit(model, 60, &words);
        for _ in 0..3 {
            assert_eq!(Subwords::fit(model, 60, &words), fitted);
        }
        let saved = serde_json::to_string(&fitted).unwrap();
        let read: Fitted = serde_json::from_str(&saved).unwrap();
        let (one, other) = (Subwords::of(&fitted).unwrap(), Subwords::of(&read).unwrap());
        for (word, _) in words.iter() {
            assert_eq!(one.split(word), other.split(word));
        }
        let none = Subwords::fit(model, 9, &Vocabulary::default());
        assert!(none.vocabularies[SUBWORDS].is_empty());
        assert!(!Subwords::of(&none).unwrap().split("a").is_empty());
    }
    assert!(Subwords::of(&Fitted::default()).is_err());
}

proptest! {
    #[test]
    fn subwords_joined_are_the_text(
        words in prop::collection::vec("[a-eé]{1,6}", 1..12), size in 1usize..60, unigram in any::<bool>(),
    ) {
        let counts = words.iter().map(|word| (word.as_str(), 1)).collect();
        let vocabulary = Vocabulary::from_counts(counts, 1, None);
        let model = if unigram { SubwordModel::Unigram } else { SubwordModel::BytePairs };
        let subwords = Subwords::of(&Subwords::fit(model, size, &vocabulary)).unwrap();
        let all: Vec<String> = words.iter().flat_map(|word| subwords.split(word)).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        prop_assert_eq!(Subwords::text(&all), words.join(" "));
    }
}
