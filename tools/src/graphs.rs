//! Semantic graphs of the generated sentences in three formalisms, derived from their trees by rule.
//!
//! The formalisms follow what those of the SemEval 2015 task do differently (Oepen et al. 2015): `dm` keeps the
//! arguments of content words and of prepositions, `pas` makes every word a predicate, `psd` keeps content words
//! only, with roles, and has a copula or a conjunction as a head. Words may have several heads or none.

mod dm;
mod pas;
mod psd;

use std::fmt::Write as _;

use crate::corpus::File;
use crate::dice::Dice;
use crate::grammar::Voice;
use crate::lexicon::Lexicon;
use crate::sentence::Sentence;

/// A graph over the words of a sentence.
#[derive(Default)]
pub(crate) struct Graph {
    tops: Vec<usize>,
    /// Head, dependent and label; at most one arc for each pair.
    arcs: Vec<(usize, usize, String)>,
}

impl Graph {
    fn arc(&mut self, head: usize, dependent: usize, label: impl Into<String>) {
        let is_new = !self.arcs.iter().any(|arc| (arc.0, arc.1) == (head, dependent));
        if head != dependent && is_new {
            self.arcs.push((head, dependent, label.into()));
        }
    }
}

/// A sentence with its tree.
pub(crate) struct Tree<'a>(pub(crate) &'a Sentence);

impl Tree<'_> {
    fn words(&self) -> std::ops::Range<usize> {
        0..self.0.len()
    }

    fn root(&self) -> usize {
        self.words().find(|&word| self.0.words[word].head == word).expect("a sentence has a root")
    }

    fn head(&self, word: usize) -> usize {
        self.0.words[word].head
    }

    fn relation(&self, word: usize) -> &'static str {
        self.0.words[word].relation
    }

    fn form(&self, word: usize) -> String {
        self.0.words[word].form.to_lowercase()
    }

    fn pos(&self, word: usize) -> &'static str {
        self.0.words[word].pos
    }

    /// The first dependent of a word with one of these relations.
    fn child(&self, word: usize, relations: &[&str]) -> Option<usize> {
        self.words().find(|&child| {
            child != word && self.head(child) == word && relations.contains(&self.relation(child))
        })
    }

    /// Who does what a verb says: its own subject, that of the verb it is coordinated with or controlled by, or the
    /// noun that it modifies. With whether the verb is passive.
    fn subject(&self, verb: usize) -> Option<(usize, bool)> {
        if let Some(subject) = self.child(verb, &["nsubj", "nsubj:pass"]) {
            let is_passive = self.relation(subject) == "nsubj:pass";
            return Some((self.resolved(subject, verb), is_passive));
        }
        let head = self.head(verb);
        match self.relation(verb) {
            "conj" | "xcomp" | "advcl" if head != verb => {
                Some((self.subject(head)?.0, self.child(verb, &["aux:pass"]).is_some()))
            }
            "acl" => Some((
                head,
                !self.form(verb).ends_with("ing") && self.child(verb, &["mark"]).is_none(),
            )),
            _ => None,
        }
    }

    /// The object of a verb: its own, or the noun that a relative clause without another gap modifies.
    fn object(&self, verb: usize) -> Option<usize> {
        let own = self.child(verb, &["obj"]).map(|object| self.resolved(object, verb));
        let is_gap = || {
            self.relation(verb) == "acl:relcl"
                && self.child(verb, &["nsubj"]).is_some_and(|subject| !self.is_relative(subject))
        };
        own.or_else(|| is_gap().then(|| self.head(verb)))
    }

    /// A relative pronoun stands for the noun that its clause modifies.
    fn resolved(&self, word: usize, verb: usize) -> usize {
        let is_of_clause = self.relation(verb) == "acl:relcl";
        if is_of_clause && self.is_relative(word) { self.head(verb) } else { word }
    }

    fn is_relative(&self, word: usize) -> bool {
        self.0.words[word].feats == "PronType=Rel"
    }

    fn is_predicate(&self, word: usize) -> bool {
        self.pos(word) == "VERB" || self.child(word, &["cop"]).is_some()
    }
}

/// A formalism: its name, and its graph of a sentence.
type Formalism = (&'static str, fn(&Tree<'_>) -> Graph);

const FORMALISMS: [Formalism; 3] = [("dm", dm::graph), ("pas", pas::graph), ("psd", psd::graph)];

/// Sentences of train that have a graph of the first formalism: fewer than of the others, as expensive annotation
/// is rare.
const N_OF_FIRST: usize = 300;

/// The files of each split, one for each formalism.
pub(crate) fn files(seed: u64, lexicon: &Lexicon) -> Vec<File> {
    let splits = [("train", 900), ("dev", 150), ("test", 300)];
    let of_split = |(at, (split, n)): (usize, (&str, usize))| {
        let mut dice = Dice::new(seed + at as u64);
        let sentences = crate::corpus::stories(Voice::News, n, lexicon, &mut dice);
        let of_formalism = |(place, (name, graph)): (usize, &Formalism)| {
            let n = if place == 0 && split == "train" { N_OF_FIRST } else { n };
            file(&format!("graphs/{split}.{name}.sdp"), split, &sentences[..n], *graph)
        };
        FORMALISMS.iter().enumerate().map(of_formalism).collect::<Vec<_>>()
    };
    splits.into_iter().enumerate().flat_map(of_split).collect()
}

fn file(path: &str, split: &str, sentences: &[Sentence], graph: fn(&Tree<'_>) -> Graph) -> File {
    let mut text = "#SDP 2015\n".to_owned();
    let (mut n_tokens, mut n_arcs) = (0, 0);
    for (place, sentence) in sentences.iter().enumerate() {
        let graph = graph(&Tree(sentence));
        n_tokens += sentence.len();
        n_arcs += graph.arcs.len();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "#{split}-{}", place + 1);
        sdp(&mut text, sentence, &graph);
        text.push('\n');
    }
    let n = sentences.len();
    File {
        path: path.to_owned(),
        text,
        about: format!("{n} sentences, {n_tokens} tokens, {n_arcs} arcs"),
    }
}

/// Id, form, lemma, part of speech, top, predicate, frame, then a column for each predicate.
fn sdp(text: &mut String, sentence: &Sentence, graph: &Graph) {
    let is_predicate = |word: usize| graph.arcs.iter().any(|arc| arc.0 == word);
    let predicates: Vec<usize> = (0..sentence.len()).filter(|&word| is_predicate(word)).collect();
    let mark = |set: bool| if set { '+' } else { '-' };
    for (place, word) in sentence.words.iter().enumerate() {
        let top = mark(graph.tops.contains(&place));
        let predicate = mark(is_predicate(place));
        let _ = write!(
            text,
            "{}\t{}\t{}\t{}\t{top}\t{predicate}\t_",
            place + 1,
            word.form,
            word.lemma,
            word.pos
        );
        for &head in &predicates {
            let arc = graph.arcs.iter().find(|arc| (arc.0, arc.1) == (head, place));
            let _ = write!(text, "\t{}", arc.map_or("_", |arc| arc.2.as_str()));
        }
        text.push('\n');
    }
}
