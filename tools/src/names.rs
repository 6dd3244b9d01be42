//! Names: who and what a story is about. Most are invented, and many could name several kinds of thing.

use crate::dice::Dice;
use crate::lexicon::Lexicon;

/// The names that a story comes back to.
pub(crate) struct Cast {
    people: Vec<Person>,
    organisations: Vec<String>,
    places: Vec<String>,
    products: Vec<String>,
    events: Vec<String>,
}

/// A person's names.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) given: String,
    pub(crate) surname: String,
}

impl std::fmt::Display for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.given, self.surname)
    }
}

impl Cast {
    /// The names of a new story.
    pub(crate) fn new(lexicon: &Lexicon, dice: &mut Dice, topic: &str) -> Self {
        let places: Vec<String> = (0..3).map(|_| place(lexicon, dice)).collect();
        Self {
            people: (0..3).map(|_| person(lexicon, dice)).collect(),
            organisations: (0..3).map(|_| organisation(lexicon, dice, topic, &places)).collect(),
            products: (0..2).map(|_| product(lexicon, dice)).collect(),
            events: (0..2).map(|_| event(lexicon, dice, &places)).collect(),
            places,
        }
    }

    pub(crate) fn person(&self, lexicon: &Lexicon, dice: &mut Dice) -> Person {
        match dice.chance(70) {
            true => self.people[dice.below(3)].clone(),
            false => person(lexicon, dice),
        }
    }

    /// The words of a name of that kind, separated by spaces.
    pub(crate) fn name(
        &self,
        lexicon: &Lexicon,
        dice: &mut Dice,
        kind: &str,
        topic: &str,
    ) -> String {
        let own = dice.chance(65);
        match kind {
            "place" if own => self.places[dice.below(3)].clone(),
            "place" => place(lexicon, dice),
            "organisation" if own => self.organisations[dice.below(3)].clone(),
            "organisation" => organisation(lexicon, dice, topic, &self.places),
            "product" if own => self.products[dice.below(2)].clone(),
            "product" => product(lexicon, dice),
            _ if own => self.events[dice.below(2)].clone(),
            _ => event(lexicon, dice, &self.places),
        }
    }
}

/// Somebody new.
pub(crate) fn person(lexicon: &Lexicon, dice: &mut Dice) -> Person {
    Person {
        given: match dice.chance(82) {
            true => lexicon.name(dice, "given").to_owned(),
            false => lexicon.invented(dice, "brand_tail"),
        },
        surname: surname(lexicon, dice),
    }
}

fn surname(lexicon: &Lexicon, dice: &mut Dice) -> String {
    match dice.weighted(&[48, 40, 12]) {
        0 => lexicon.name(dice, "surname").to_owned(),
        1 => lexicon.invented(dice, "surname_tail"),
        _ => lexicon.invented(dice, "place_tail"),
    }
}

fn place(lexicon: &Lexicon, dice: &mut Dice) -> String {
    match dice.weighted(&[48, 34, 8, 10]) {
        0 => lexicon.name(dice, "town").to_owned(),
        1 => lexicon.invented(dice, "place_tail"),
        2 => format!(
            "{} {}",
            lexicon.name(dice, "place_start"),
            lexicon.invented(dice, "place_tail")
        ),
        _ => format!("{} {}", surname(lexicon, dice), lexicon.name(dice, "place_end")),
    }
}

fn organisation(lexicon: &Lexicon, dice: &mut Dice, topic: &str, places: &[String]) -> String {
    let place = places[dice.below(places.len())].clone();
    if topic == "sport" && dice.chance(70) {
        // A club is often called by the name of its town alone.
        return match dice.chance(55) {
            true => place,
            false => format!("{place} {}", lexicon.name(dice, "club_end")),
        };
    }
    match dice.weighted(&[20, 16, 16, 12, 10, 14, 6]) {
        0 => format!("{} {}", surname(lexicon, dice), lexicon.name(dice, "company_end")),
        1 => lexicon.invented(dice, "brand_tail"),
        2 => format!("{place} {}", lexicon.name(dice, "body_end")),
        3 => format!("{} of {}", lexicon.name(dice, "body_start"), lexicon.name(dice, "body_of")),
        4 => acronym(dice),
        5 => surname(lexicon, dice),
        _ => format!("{} & Sons", surname(lexicon, dice)),
    }
}

/// Something to buy.
pub(crate) fn product(lexicon: &Lexicon, dice: &mut Dice) -> String {
    let brand = match dice.chance(45) {
        true => lexicon.name(dice, "brand").to_owned(),
        false => lexicon.invented(dice, "brand_tail"),
    };
    match dice.weighted(&[40, 30, 30]) {
        0 => brand,
        1 => format!("{brand} {}", 2 + dice.below(9)),
        _ => format!("{brand} {}", lexicon.name(dice, "product_end")),
    }
}

fn event(lexicon: &Lexicon, dice: &mut Dice, places: &[String]) -> String {
    let end = lexicon.name(dice, "event_end").replace('_', " ");
    match dice.weighted(&[45, 35, 20]) {
        0 => format!("{} {end}", places[dice.below(places.len())]),
        1 => format!("{} {end}", lexicon.name(dice, "event_start")),
        _ => format!("{} {end}", surname(lexicon, dice)),
    }
}

fn acronym(dice: &mut Dice) -> String {
    (0..3 + dice.below(2)).map(|_| char::from(b"ABCDEFGILMNOPRSTU"[dice.below(17)])).collect()
}
