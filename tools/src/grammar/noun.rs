//! Noun phrases with their modifiers.

use super::{Agreement, Np, Role, Sort, Voice, Writer};
use crate::sentence::Gap;

impl Writer<'_> {
    /// A noun phrase as a subject or an object.
    pub(super) fn noun_phrase(&mut self, sort: Sort, role: Role) -> Np {
        let pronouns = match (role, self.voice) {
            (Role::Subject, Voice::News) => 12,
            (Role::Subject, Voice::Notes) => 34,
            (Role::Object, _) => 7,
        };
        if sort != Sort::Place && self.dice.chance(pronouns) {
            return self.pronoun(sort, role);
        }
        if let Some(name) = self.some_name(sort, role) {
            return name;
        }
        if self.news(7) {
            return self.part_of(sort);
        }
        if self.depth < 2 && self.news(7) {
            return self.unlike_pair(sort);
        }
        let first = self.common(sort);
        if self.dice.chance(4) && self.depth < 2 {
            let and = self.push_one(&["and", "and", "and", "and", "or"], "CCONJ");
            let second = self.common(sort);
            self.attach(and, second.head, "cc");
            self.attach(second.head, first.head, "conj");
            return Np { person: Agreement::Many, ..first };
        }
        first
    }

    fn pronoun(&mut self, sort: Sort, role: Role) -> Np {
        use Agreement::{I, Many, One};
        let (subject, object, feats, person) = match (sort, self.voice) {
            (Sort::Person, Voice::Notes) => match self.dice.weighted(&[30, 30, 10, 16, 14]) {
                0 => ("I", "me", "Number=Sing|Person=1", I),
                1 => ("we", "us", "Number=Plur|Person=1", Many),
                2 => ("he", "him", "Number=Sing|Person=3", One),
                3 => ("she", "her", "Number=Sing|Person=3", One),
                _ => ("they", "them", "Number=Plur|Person=3", Many),
            },
            (Sort::Person, Voice::News) => match self.dice.weighted(&[36, 24, 22, 5, 8, 5]) {
                0 => ("he", "him", "Number=Sing|Person=3", One),
                1 => ("she", "her", "Number=Sing|Person=3", One),
                2 => ("they", "them", "Number=Plur|Person=3", Many),
                3 => ("we", "us", "Number=Plur|Person=1", Many),
                4 => ("some", "some", "Number=Plur", Many),
                _ => ("all", "all", "Number=Plur", Many),
            },
            _ => match self.dice.weighted(&[48, 18, 30, 4]) {
                0 => ("it", "it", "Number=Sing|Person=3", One),
                1 => ("they", "them", "Number=Plur|Person=3", Many),
                2 => ("this", "that", "Number=Sing", One),
                _ => ("one", "one", "Number=Sing", One),
            },
        };
        let form = if role == Role::Subject { subject } else { object };
        let head = self.sentence.push(form, subject, ("PRON", feats));
        self.chunk(head, "NP");
        Np { head, person }
    }

    /// A noun phrase around a common noun.
    pub(super) fn common(&mut self, sort: Sort) -> Np {
        let noun = self.noun(sort);
        let many = !noun.mass && sort != Sort::Place && self.dice.chance(36);
        let mut start = self.at();
        let mut before: Vec<(usize, &'static str)> = Vec::new();
        let owner =
            (sort == Sort::Thing && self.dice.chance(7) && self.depth < 2).then(|| self.owner());
        if let Some((owner, mark)) = owner {
            start = mark;
            before.push((owner, "nmod:poss"));
        } else {
            self.determiner(many, noun.mass, &mut before);
        }
        let article = before
            .last()
            .map(|(place, _)| *place)
            .filter(|place| self.sentence.words[*place].form == "a" && owner.is_none());
        self.premodifiers(sort, &mut before);
        let (form, feats) =
            if many { (&noun.many, "Number=Plur") } else { (&noun.one, "Number=Sing") };
        let mut head = self.sentence.push(form, &noun.one, ("NOUN", feats));
        for (place, relation) in before.drain(..) {
            self.attach(place, head, relation);
        }
        if let Some(article) = article {
            self.agree(article);
        }
        let mut person = if many { Agreement::Many } else { Agreement::One };
        // "bread and fish": coordinated nouns without articles are one chunk.
        let bare = self.at() == start + 1 && (many || noun.mass);
        if (bare && self.dice.chance(14)) || (many && self.news(9)) {
            let and = self.push_one(&["and", "and", "and", "and", "or"], "CCONJ");
            let other = self.noun(sort);
            let form = if other.mass { &other.one } else { &other.many };
            let second = self.sentence.push(form, &other.one, ("NOUN", "Number=Plur"));
            self.attach(and, second, "cc");
            self.attach(second, head, "conj");
            person = Agreement::Many;
        }
        self.chunk(start, "NP");
        head = self.postmodifiers(head, sort);
        Np { head, person }
    }

    /// "the minister 's": the clitic opens the chunk of the possessed noun.
    fn owner(&mut self) -> (usize, usize) {
        self.depth += 2;
        let sort = if self.dice.chance(70) { Sort::Person } else { Sort::Place };
        let owner = match self.some_name(sort, Role::Object) {
            Some(name) => name.head,
            None => {
                let start = self.at();
                let noun = self.noun(sort);
                let the = self.push("the", "DET");
                let head = self.sentence.push(&noun.one, &noun.one, ("NOUN", "Number=Sing"));
                self.attach(the, head, "det");
                self.chunk(start, "NP");
                head
            }
        };
        self.depth -= 2;
        let mark = self.push("'s", "PART");
        self.sentence.words[mark].gap = Gap::Joined;
        self.attach(mark, owner, "case");
        (owner, mark)
    }

    fn postmodifiers(&mut self, head: usize, sort: Sort) -> usize {
        if self.depth >= 2 {
            return head;
        }
        self.depth += 1;
        let kind = match self.voice {
            Voice::News => self.dice.weighted(&[56, 18, 6, 6, 4, 2, 4, 2]),
            Voice::Notes => self.dice.weighted(&[69, 19, 4, 3, 3, 2]),
        };
        match kind {
            1 => {
                let word = self.dice.pick(&[
                    "of", "of", "of", "in", "for", "on", "from", "with", "at", "about", "against",
                    "over", "to", "under", "near", "of",
                ]);
                let sort = match word {
                    "in" | "at" | "from" | "near" | "under" | "to" => Sort::Place,
                    "against" => Sort::Person,
                    _ if sort == Sort::Person => Sort::Place,
                    _ => Sort::Thing,
                };
                self.preposition_phrase(word, sort, (head, "nmod"));
            }
            2 => self.relative(head, sort),
            3 => self.short_relative(head),
            4 if sort == Sort::Thing => self.purpose(head),
            6 if sort == Sort::Thing => self.claim(head),
            7 => self.after_noun(head, sort),
            5 if sort == Sort::Thing => {
                let such = self.alone("such", "ADJ", "PP");
                let like = self.push("as", "ADP");
                if let Some(chunk) = self.sentence.chunks.last_mut() {
                    chunk.end += 1;
                }
                let inner = self.common(Sort::Thing);
                self.attach(such, inner.head, "case");
                self.attach(like, such, "fixed");
                self.attach(inner.head, head, "nmod");
            }
            _ => {}
        }
        self.depth -= 1;
        head
    }

    /// A preposition with its noun phrase, attached to `head`.
    pub(super) fn preposition_phrase(
        &mut self,
        word: &str,
        sort: Sort,
        (head, relation): (usize, &'static str),
    ) {
        let start = self.at();
        let mut words = word.split(' ');
        let case = self.push(words.next().unwrap_or_default(), "ADP");
        for more in words {
            let more = self.push(more, "ADP");
            self.attach(more, case, "fixed");
        }
        self.chunk(start, "PP");
        self.depth += 1;
        let inner = self.noun_phrase(sort, Role::Object);
        self.depth -= 1;
        self.attach(case, inner.head, "case");
        self.attach(inner.head, head, relation);
    }
}
