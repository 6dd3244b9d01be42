//! Exact match: which tokens of a text occur in another text of its example.
//!
//! Two features of each token: 1 if the other text has a token of the same form (Weissenborn, Wiese and Seiffe 2017,
//! "Making neural QA as simple as possible but not simpler"), and 1 if it has one that is the same in lower case (Chen,
//! Fisch, Weston and Bordes 2017, "Reading Wikipedia to answer open-domain questions"); 0 otherwise. Where the other
//! text is absent, both are 0.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::data::{Batch, Lexicon};

/// The features of a token: the same form, and the same in lower case.
pub(super) const N_FEATURES: usize = 2;

/// Which strings are alike, over every attached field.
#[derive(Default)]
pub(super) struct ExactMatch {
    /// The id of each form; a form in lower case may also be one that occurs.
    ids: HashMap<String, u32>,
    /// The ids of each symbol as it is and in lower case, by corpus and field.
    attached: BTreeMap<(usize, usize), Vec<[u32; N_FEATURES]>>,
}

impl ExactMatch {
    /// Finds the forms of a field's strings.
    pub(super) fn attach(&mut self, corpus_idx: usize, field: usize, lexicon: &Lexicon) {
        let mut id = |form: &str| {
            let next = self.ids.len() as u32;
            *self.ids.entry(form.to_owned()).or_insert(next)
        };
        let forms = lexicon.iter().map(|word| [id(word), id(&word.to_lowercase())]).collect();
        self.attached.insert((corpus_idx, field), forms);
    }

    /// The features of each row of a field, row after row, against another field.
    pub(super) fn features(&self, batch: &Batch, field: usize, other: usize) -> Vec<f32> {
        let packing = batch.packing(field);
        let examples = packing.examples_of_rows();
        let others = (0..packing.n_examples()).map(|example| {
            let rows = batch.rows_of(other, example).into_iter();
            let forms = rows.map(|row| self.forms(batch, other, row));
            let mut found = [const { BTreeSet::new() }; N_FEATURES];
            for form in forms {
                found.iter_mut().zip(form).for_each(|(found, id)| {
                    found.insert(id);
                });
            }
            found
        });
        let others: Vec<_> = others.collect();
        let of_row = |row: usize| {
            let found = &others[examples[row] as usize];
            let forms = self.forms(batch, field, row).into_iter();
            forms.zip(found).map(|(id, found)| f32::from(u8::from(found.contains(&id))))
        };
        (0..packing.n_rows()).flat_map(of_row).collect()
    }

    fn forms(&self, batch: &Batch, field: usize, row: usize) -> [u32; N_FEATURES] {
        let forms =
            self.attached.get(&(batch.corpus, field)).expect("the corpus has been attached");
        let symbol = batch.symbols(field)[row].expect("every example has what its encoders read");
        forms[symbol as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{
        Axis, Corpus, Example, Field, FieldForm, FieldValues, Positions, Schema, SequenceSpec,
        SplitData,
    };

    /// A batch of examples with two texts each; `None` for an absent one.
    fn batch(texts: &[[Option<&str>; 2]]) -> (Batch, Corpus) {
        let sequences =
            ["text", "question"].map(|name| SequenceSpec { name: name.into(), is_list: false });
        let field = |at, name| Field::new(name, Axis::Sequence(at), FieldForm::Symbols);
        let fields = vec![field(0, "text"), field(1, "question")];
        let mut corpus = Corpus::of_schema(Schema { sequences: sequences.into(), fields });
        let mut examples = Vec::new();
        for (line, texts) in (1..).zip(texts) {
            let words = texts.map(|text| text.map(|text| text.split(' ').collect::<Vec<_>>()));
            let sequences =
                words.iter().map(|words| Some(Positions::on_line(line, words.as_ref()?.len())));
            let sequences = sequences.collect();
            let fields = words.into_iter().enumerate().map(|(at, words)| {
                let symbols = words?.into_iter().map(|word| corpus.lexicons[at].intern(word));
                Some(FieldValues::Symbols(symbols.collect()))
            });
            let fields = fields.collect();
            examples.push(Example { file: None, line, sequences, fields });
        }
        let n_examples = examples.len();
        let split = SplitData { examples, file: "train".into(), ..SplitData::default() };
        let all: Vec<usize> = (0..n_examples).collect();
        (Batch::new(0, &corpus, &split, &all), corpus)
    }

    fn features(texts: &[[Option<&str>; 2]], field: usize, other: usize) -> Vec<Vec<[f32; 2]>> {
        let (batch, corpus) = batch(texts);
        let mut matches = ExactMatch::default();
        // The fields are attached in any order.
        for at in [other, field] {
            matches.attach(0, at, &corpus.lexicons[at]);
        }
        let flat = matches.features(&batch, field, other);
        let of = |example| {
            let rows = batch.rows_of(field, example).into_iter();
            rows.map(|row| [flat[2 * row], flat[2 * row + 1]]).collect()
        };
        (0..batch.n_examples()).map(of).collect()
    }

    const SAME: [f32; 2] = [1.0, 1.0];
    const LOWER: [f32; 2] = [0.0, 1.0];
    const OTHER: [f32; 2] = [0.0, 0.0];

    #[test]
    fn a_token_matches_by_its_form_and_in_lower_case() {
        let texts = [[Some("The ship sank the Ships"), Some("which Ship sank the dock")]];
        assert_eq!(features(&texts, 0, 1), [[LOWER, LOWER, SAME, SAME, OTHER]]);
        assert_eq!(features(&texts, 1, 0), [vec![OTHER, LOWER, SAME, SAME, OTHER]]);
    }

    #[test]
    fn the_other_text_is_that_of_the_same_example() {
        let texts = [
            [Some("old nets dry"), Some("nets")],
            [Some("old sails"), Some("old old dry")],
            [Some("dry"), None],
            [Some("old"), Some("nets")],
        ];
        let found = features(&texts, 0, 1);
        let wanted: [&[[f32; 2]]; 4] = [&[OTHER, SAME, OTHER], &[SAME, OTHER], &[OTHER], &[OTHER]];
        assert_eq!(found, wanted);
        let found = features(&texts, 1, 0);
        let wanted: [&[[f32; 2]]; 4] = [&[SAME], &[SAME, SAME, OTHER], &[], &[OTHER]];
        assert_eq!(found, wanted);
    }
}
