//! Words for scenes, with their synonyms, more general words and opposites, read from a text.

/// A word in its forms: singular and plural of a noun, present and past participle of a verb.
pub(super) type Forms = [String; 2];

/// A meaning.
pub(super) struct Concept {
    /// Its words, each as good as another.
    pub(super) words: Vec<Forms>,
    /// A more general word.
    pub(super) above: Option<Forms>,
    /// The opposite, as an index in the list.
    pub(super) opposite: Option<usize>,
}

/// Meanings that can stand for each other.
pub(super) struct List {
    pub(super) kind: &'static str,
    pub(super) sort: &'static str,
    pub(super) concepts: Vec<Concept>,
}

/// The lists of the text.
pub(super) fn read(text: &'static str) -> Vec<List> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (name, words) = line.split_once(": ").expect("a list has a name");
            let (kind, sort) = name.split_once(' ').expect("a name has a kind and a sort");
            let mut concepts = Vec::new();
            for entry in words.split(' ') {
                let (entry, above) = match entry.split_once('<') {
                    Some((entry, above)) => (entry, Some(forms(above))),
                    None => (entry, None),
                };
                let sides: Vec<&str> = entry.split('!').collect();
                let first = concepts.len();
                for (at, side) in sides.iter().enumerate() {
                    let words = side.split('=').map(forms).collect();
                    let opposite = (sides.len() == 2).then_some(first + 1 - at);
                    concepts.push(Concept { words, above: above.clone(), opposite });
                }
            }
            List { kind, sort, concepts }
        })
        .collect()
}

fn forms(word: &str) -> Forms {
    let word = word.replace('_', " ");
    match word.split_once('/') {
        Some((first, second)) => [first.to_owned(), second.to_owned()],
        None => [word.clone(), word],
    }
}
