//! What a second scene has to do with the first: entailment by comparing them part by part, in the manner of natural
//! logic (MacCartney and Manning 2008), and a graded relatedness.

use super::scene::{Count, Phrase, Polarity, Scene, Use, Words};

/// How a part of the second scene relates to the same part of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    /// The second follows from the first.
    Forward,
    /// The first follows from the second.
    Reverse,
    /// Both cannot be true.
    Disjoint,
    Other,
}

impl Relation {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Other, _) | (_, Self::Other) => Self::Other,
            (Self::Disjoint, _) | (_, Self::Disjoint) => Self::Disjoint,
            (Self::Equal, relation) | (relation, Self::Equal) => relation,
            (one, two) if one == two => one,
            _ => Self::Other,
        }
    }
}

/// The classes of the second sentence, given the first.
pub(super) const CLASSES: [&str; 3] = ["contradiction", "entailment", "neutral"];

/// The class of a pair of scenes with the same parts.
pub(super) fn class(first: &Scene, second: &Scene, words: &Words) -> &'static str {
    let subject = phrases(&first.subject, &second.subject, words);
    let object = match (&first.object, &second.object) {
        (Some(first), Some(second)) => phrases(first, second, words),
        (None, None) => Relation::Equal,
        _ => Relation::Other,
    };
    let predicate = uses(first.verb, second.verb, words)
        .and(object)
        .and(optional(first.place, second.place, words))
        .and(optional(first.manner, second.manner, words));
    let no = first.polarity == Polarity::No || second.polarity == Polarity::No;
    // The subject of "is not" is named, and that of "no" is denied with the rest.
    let whole = subject.and(predicate);
    let relation = if no { whole } else { predicate };
    let [contradiction, entailment, neutral] = CLASSES;
    let (same, follows) = match subject {
        Relation::Equal => (true, true),
        Relation::Forward => (true, true),
        Relation::Reverse => (true, no),
        Relation::Disjoint | Relation::Other => (false, false),
    };
    match (first.polarity, second.polarity, relation) {
        (Polarity::Positive, Polarity::Positive, Relation::Equal | Relation::Forward)
            if follows =>
        {
            entailment
        }
        (Polarity::Positive, Polarity::Positive, Relation::Disjoint) if same => contradiction,
        (Polarity::Positive, Polarity::Positive, _) => neutral,
        (Polarity::Positive, _, Relation::Equal | Relation::Forward) if same => contradiction,
        (Polarity::Positive, _, _) => neutral,
        (_, Polarity::Positive, Relation::Equal | Relation::Reverse) if same => contradiction,
        (_, Polarity::Positive, _) => neutral,
        (Polarity::Not, Polarity::No, _) => neutral,
        (_, _, Relation::Equal | Relation::Reverse) if follows => entailment,
        _ => neutral,
    }
}

fn phrases(first: &Phrase, second: &Phrase, words: &Words) -> Relation {
    let count = match (first.count, second.count) {
        (one, two) if one == two => Relation::Equal,
        (Count::Two | Count::Three, Count::Some) => Relation::Forward,
        (Count::Some, Count::Two | Count::Three) => Relation::Reverse,
        _ => Relation::Other,
    };
    let mut relation = count.and(uses(first.noun, second.noun, words));
    for (list, _) in words.0.iter().enumerate() {
        let of = |phrase: &Phrase| phrase.adjectives.iter().copied().find(|it| it.list == list);
        relation = relation.and(match optional(of(first), of(second), words) {
            // An old man and a young man may both be there.
            Relation::Disjoint => Relation::Other,
            relation => relation,
        });
    }
    match relation {
        Relation::Disjoint => Relation::Other,
        relation => relation,
    }
}

fn optional(first: Option<Use>, second: Option<Use>, words: &Words) -> Relation {
    match (first, second) {
        (Some(first), Some(second)) => uses(first, second, words),
        (Some(_), None) => Relation::Forward,
        (None, Some(_)) => Relation::Reverse,
        (None, None) => Relation::Equal,
    }
}

fn uses(first: Use, second: Use, words: &Words) -> Relation {
    let of = |it: Use| &words.0[it.list].concepts[it.concept];
    if first.forms(words) == second.forms(words) {
        return Relation::Equal;
    }
    if first.list != second.list {
        return Relation::Other;
    }
    let (one, two) = (of(first), of(second));
    match (first.is_general, second.is_general) {
        (false, false) if first.concept == second.concept => Relation::Equal,
        (false, false) if one.opposite == Some(second.concept) => Relation::Disjoint,
        (false, true) if one.above == two.above => Relation::Forward,
        (true, false) if one.above == two.above => Relation::Reverse,
        _ => Relation::Other,
    }
}

/// The relatedness of two scenes with the same parts: 50 tenths less what each difference takes, at least 10.
pub(super) fn relatedness(first: &Scene, second: &Scene, words: &Words) -> usize {
    let cost = |relation: Relation, other: usize| match relation {
        Relation::Equal => 0,
        Relation::Forward | Relation::Reverse => 4,
        Relation::Disjoint => 11,
        Relation::Other => other,
    };
    let mut taken = usize::from(first.style != second.style);
    taken += if first.polarity == second.polarity { 0 } else { 11 };
    let is_swapped = second.object.as_ref() == Some(&first.subject)
        && first.object.as_ref() == Some(&second.subject)
        && first.subject != second.subject;
    if is_swapped {
        taken += 9;
    } else {
        taken += cost(phrases(&first.subject, &second.subject, words), 10);
        taken += match (&first.object, &second.object) {
            (Some(first), Some(second)) => cost(phrases(first, second, words), 10),
            (None, None) => 0,
            _ => 12,
        };
    }
    taken += cost(uses(first.verb, second.verb, words), 14);
    taken += cost(optional(first.place, second.place, words), 6);
    taken += cost(optional(first.manner, second.manner, words), 5);
    50 - taken.min(40)
}
