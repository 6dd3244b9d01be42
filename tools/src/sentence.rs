//! A sentence as it grows: words with their analysis, and the spans over them.

/// A word and what the annotation says of it.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) form: String,
    pub(crate) lemma: String,
    /// The universal part of speech.
    pub(crate) pos: &'static str,
    /// Features in `CoNLL-U` form; `_` for none.
    pub(crate) feats: &'static str,
    /// The place of the head; a word is its own head until it is attached, and the root stays so.
    pub(crate) head: usize,
    pub(crate) relation: &'static str,
    /// How it stands to the word before it.
    pub(crate) gap: Gap,
}

/// What is between a word and the word before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    /// A space.
    Space,
    /// Nothing: a comma, a closing quotation mark.
    None,
    /// Nothing, and both are one orthographic word: `do` + `n't`.
    Joined,
}

/// A typed stretch of words.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: &'static str,
}

/// A sentence with chunks, entities and a tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sentence {
    pub(crate) words: Vec<Word>,
    pub(crate) chunks: Vec<Span>,
    pub(crate) entities: Vec<Span>,
}

impl Sentence {
    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// Appends a word and gives its place.
    pub(crate) fn push(
        &mut self,
        form: &str,
        lemma: &str,
        (pos, feats): (&'static str, &'static str),
    ) -> usize {
        let head = self.len();
        self.words.push(Word {
            form: form.to_owned(),
            lemma: lemma.to_owned(),
            pos,
            feats,
            head,
            relation: "root",
            gap: Gap::Space,
        });
        head
    }

    /// Makes `child` depend on `head`.
    pub(crate) fn attach(&mut self, child: usize, head: usize, relation: &'static str) {
        self.words[child].head = head;
        self.words[child].relation = relation;
    }

    /// A chunk from `start` to the last word so far.
    pub(crate) fn chunk(&mut self, start: usize, kind: &'static str) {
        self.chunks.push(Span { start, end: self.len(), kind });
    }

    /// An entity from `start` to the last word so far.
    pub(crate) fn entity(&mut self, start: usize, kind: &'static str) {
        self.entities.push(Span { start, end: self.len(), kind });
    }

    /// Gives the first word its capital and every word that depends on none but the root a head.
    pub(crate) fn finish(&mut self, root: usize) {
        if let Some(word) = self.words.iter_mut().find(|word| word.pos != "PUNCT") {
            word.form = capital(&word.form);
        }
        for place in 0..self.len() {
            if place != root && self.words[place].head == place {
                let relation = if self.words[place].pos == "PUNCT" { "punct" } else { "dep" };
                self.attach(place, root, relation);
            }
        }
    }
}

/// The word with a capital first letter.
pub(crate) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
