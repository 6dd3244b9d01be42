//! Sentences about people, organisations and places, with these entities and the relations between them.
//!
//! What a phrase such as "X of Y" states depends on the types of both: a person works for an organisation or lives in a
//! place, an organisation is based in a place, and a place is in another one. Some verbs state a relation in either
//! direction, or end one, and many state none. Names are ambiguous between the types.

use std::fmt::Write as _;

use crate::corpus::File;
use crate::dice::Dice;
use crate::lexicon::Lexicon;
use crate::names::Cast;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Person,
    Organisation,
    Place,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organisation => "organisation",
            Self::Place => "place",
        }
    }
}

/// The relation that "X of Y" states, and what else says the same.
const OF: [(Kind, Kind, &str, &[&str]); 4] = [
    (
        Kind::Person,
        Kind::Organisation,
        "works-for",
        &["of", "from", ", an engineer at", ", who runs", ", the head of"],
    ),
    (
        Kind::Person,
        Kind::Place,
        "lives-in",
        &["of", "from", ", a baker in", ", who lives in", ", now in"],
    ),
    (
        Kind::Organisation,
        Kind::Place,
        "based-in",
        &["of", "from", ", a firm in", ", with offices in", "in"],
    ),
    (Kind::Place, Kind::Place, "located-in", &["of", "in", ", a town in", ", a part of", ","]),
];

/// What a verb states of its subject and object: nothing, or a relation from the subject, or to it.
enum States {
    Nothing,
    Of(&'static str),
    To(&'static str),
}

use Kind::{Organisation, Person, Place};
use States::{Nothing, Of, To};

const VERBS: &[(Kind, &[&str], Kind, States)] = &[
    (
        Person,
        &["joined", "works at", "was hired by", "speaks for", "is on the board of"],
        Organisation,
        Of("works-for"),
    ),
    (
        Person,
        &["left", "sued", "was dismissed by", "turned down", "criticised", "wrote to"],
        Organisation,
        Nothing,
    ),
    (Organisation, &["hired", "promoted", "employs", "chose"], Person, To("works-for")),
    (Organisation, &["dismissed", "sued", "paid", "praised", "warned"], Person, Nothing),
    (
        Person,
        &["lives in", "settled in", "moved to", "owns a house in", "grew up and stayed in"],
        Place,
        Of("lives-in"),
    ),
    (
        Person,
        &["visited", "left", "flew to", "wrote about", "never saw", "passed through"],
        Place,
        Nothing,
    ),
    (
        Organisation,
        &["is based in", "has its seat in", "moved to", "is run from"],
        Place,
        Of("based-in"),
    ),
    (
        Organisation,
        &["left", "exports to", "closed its office in", "warned of floods in"],
        Place,
        Nothing,
    ),
    (Place, &["is home to", "is the seat of"], Organisation, To("based-in")),
    (Place, &["taxed", "sued", "welcomed"], Organisation, Nothing),
    (Organisation, &["bought", "took over", "owns", "runs"], Organisation, Of("owns")),
    (Organisation, &["was bought by", "belongs to", "was sold to"], Organisation, To("owns")),
    (Organisation, &["outbid", "sued", "sold land to", "competes with"], Organisation, Nothing),
    (Person, &["founded", "set up"], Organisation, Of("founded")),
    (Organisation, &["was founded by", "was set up by"], Person, To("founded")),
    (Place, &["lies in", "belongs to", "is a town in"], Place, Of("located-in")),
    (Place, &["is far from", "trades with", "is larger than"], Place, Nothing),
    (Place, &["includes", "surrounds"], Place, To("located-in")),
    (Person, &["met", "beat", "married", "called", "was seen with"], Person, Nothing),
];

const OPENINGS: &[&str] = &[
    "",
    "",
    "",
    "Last week",
    "In spring",
    "Officials said",
    "According to a report ,",
    "Years ago",
];
const LINKS: &[&str] = &[", and", ", while", ", but", ", after", "because"];

/// A sentence with its entities and relations.
#[derive(Default)]
struct Claim {
    words: Vec<String>,
    /// The first word, the word after the last, and the type.
    entities: Vec<(usize, usize, Kind)>,
    /// An entity, the type and another entity.
    relations: Vec<(usize, &'static str, usize)>,
}

/// Draws sentences about the names of one story.
struct Teller<'a> {
    lexicon: &'a Lexicon,
    dice: &'a mut Dice,
    cast: Cast,
    topic: &'static str,
}

impl Claim {
    fn say(&mut self, words: &str) {
        self.words.extend(words.split_whitespace().map(str::to_owned));
    }
}

impl Teller<'_> {
    fn sentence(&mut self) -> Claim {
        let mut claim = Claim::default();
        claim.say(self.dice.pick(OPENINGS));
        self.clause(&mut claim);
        if self.dice.chance(35) {
            claim.say(self.dice.pick(LINKS));
            self.clause(&mut claim);
        }
        claim.say(".");
        claim
    }

    fn clause(&mut self, claim: &mut Claim) {
        let (subject, verbs, object, states) = &VERBS[self.dice.below(VERBS.len())];
        let from = self.mentions(claim, *subject);
        claim.say(self.dice.pick(verbs));
        let to = self.mentions(claim, *object);
        for &from in &from {
            for &to in &to {
                claim.relations.extend(match states {
                    Nothing => None,
                    Of(relation) => Some((from, *relation, to)),
                    To(relation) => Some((to, *relation, from)),
                });
            }
        }
        if self.dice.chance(20) {
            claim.say(self.dice.pick(&["near", "despite", "unlike", "with help from"]));
            let kind = [Person, Organisation, Place][self.dice.below(3)];
            self.name(claim, kind);
        }
    }

    /// One entity or two of a type, perhaps with another one that they are related to.
    fn mentions(&mut self, claim: &mut Claim, kind: Kind) -> Vec<usize> {
        let mut all = vec![];
        let fits: Vec<usize> = (0..OF.len()).filter(|&at| OF[at].0 == kind).collect();
        if kind == Organisation && self.dice.chance(12) {
            // The place comes first.
            let place = self.name(claim, Place);
            claim.say(self.dice.pick(&["'s", "firm", "rival"]));
            let own = self.name(claim, kind);
            claim.relations.push((own, "based-in", place));
            return vec![own];
        }
        all.push(self.name(claim, kind));
        if self.dice.chance(15) {
            claim.say("and");
            all.push(self.name(claim, kind));
        }
        if self.dice.chance(40) {
            let (_, other, relation, phrases) = OF[fits[self.dice.below(fits.len())]];
            // Only "of" and "from" are said of both.
            let place = if all.len() > 1 { 0 } else { self.dice.below(phrases.len()) };
            claim.say(phrases[place]);
            let other = self.name(claim, other);
            claim.relations.extend(all.iter().map(|&one| (one, relation, other)));
            if phrases[place].starts_with(',') {
                claim.say(",");
            }
        }
        all
    }

    /// Adds a name of that type, and its entity.
    fn name(&mut self, claim: &mut Claim, kind: Kind) -> usize {
        let name = match kind {
            Person => {
                let person = self.cast.person(self.lexicon, self.dice);
                if self.dice.chance(35) { person.surname } else { person.to_string() }
            }
            _ => self.cast.name(self.lexicon, self.dice, kind.name(), self.topic),
        };
        let start = claim.words.len();
        claim.say(&name);
        claim.entities.push((start, claim.words.len(), kind));
        claim.entities.len() - 1
    }
}

/// The files of each split.
pub(crate) fn files(seed: u64, lexicon: &Lexicon) -> Vec<File> {
    let splits = [("train", 500), ("dev", 150), ("test", 300)];
    let of_split = |(at, (split, n)): (usize, (&str, usize))| {
        let mut dice = Dice::new(seed + at as u64);
        let mut claims: Vec<Claim> = Vec::new();
        while claims.len() < n {
            let topic = ["markets", "politics", "sport"][dice.below(3)];
            let cast = Cast::new(lexicon, &mut dice, topic);
            let mut teller = Teller { lexicon, dice: &mut dice, cast, topic };
            claims.extend((0..5).map(|_| teller.sentence()));
        }
        claims.truncate(n);
        file(split, &claims)
    };
    splits.into_iter().enumerate().map(of_split).collect()
}

/// Lines `#doc ID`, then index, word, tag, relations, and the words that they point to.
fn file(split: &str, claims: &[Claim]) -> File {
    let mut text = String::new();
    for (place, claim) in claims.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "#doc {split}-{}", place + 1);
        for (at, word) in claim.words.iter().enumerate() {
            let entity = claim.entities.iter().find(|(start, end, _)| (*start..*end).contains(&at));
            let tag = entity.map_or("O".to_owned(), |(start, _, kind)| {
                format!("{}-{}", if *start == at { "B" } else { "I" }, kind.name())
            });
            let last = |entity: usize| claim.entities[entity].1 - 1;
            let here = claim.relations.iter().filter(|relation| last(relation.0) == at);
            let (mut names, mut heads): (Vec<String>, Vec<String>) =
                here.map(|(_, name, to)| (format!("'{name}'"), last(*to).to_string())).unzip();
            if names.is_empty() {
                (names, heads) = (vec!["'N'".to_owned()], vec![at.to_string()]);
            }
            let (names, heads) = (names.join(", "), heads.join(", "));
            let _ = writeln!(text, "{at}\t{word}\t{tag}\t[{names}]\t[{heads}]");
        }
    }
    let count = |of: fn(&Claim) -> usize| -> usize { claims.iter().map(of).sum() };
    let about = format!(
        "{} sentences, {} tokens, {} entities, {} relations",
        claims.len(),
        count(|claim| claim.words.len()),
        count(|claim| claim.entities.len()),
        count(|claim| claim.relations.len())
    );
    File { path: format!("claims/{split}.txt"), text, about }
}
