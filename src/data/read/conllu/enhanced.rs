//! Enhanced graphs: the column DEPS, `HEAD:RELATION` for each arc to the word, separated by `|`.

use std::collections::{BTreeSet, HashMap};

use super::{Id, NOTHING};
use crate::data::{
    Example, Lexicon, Prediction, prediction::FieldPredictions, structure::GraphArc,
};

/// A relation that is not specified.
const UNSPECIFIED: &str = "dep";

/// The arcs of a sentence's words from the cells of the column; `None` if no cell has a value. Arcs from empty nodes
/// are left out.
pub(super) fn arcs(
    words: &[(u32, Vec<&str>)],
    at: usize,
    lexicon: &mut Lexicon,
) -> Option<Vec<GraphArc>> {
    let mut arcs = Vec::new();
    for (dependent, (_, cells)) in (0..).zip(words) {
        for item in cells[at].split('|').filter(|item| *item != NOTHING) {
            let Some((Id::Word(head), label)) = parts(item) else { continue };
            let head = (head as u32).checked_sub(1);
            arcs.push(GraphArc { head, dependent, label: Some(lexicon.intern(label)) });
        }
    }
    words.iter().any(|(_, cells)| cells[at] != NOTHING).then_some(arcs)
}

/// What is wrong with the cells of the column, by line.
pub(super) fn faults(words: &[(u32, Vec<&str>)], at: usize) -> Vec<(u32, String)> {
    let mut faults = Vec::new();
    for (word, (line, cells)) in (1..).zip(words) {
        for item in cells[at].split('|').filter(|_| cells[at] != NOTHING) {
            let n = words.len();
            match parts(item) {
                Some((Id::Empty, _)) => {}
                Some((Id::Word(head), _)) if head == word => {
                    let what = format!(
                        "deps {item:?}: an arc from the word to itself, expected one from another"
                    );
                    faults.push((*line, what));
                }
                Some((Id::Word(head), _)) if head <= n as u64 => {}
                _ => {
                    let what =
                        format!("deps {item:?}, expected HEAD:RELATION with a head from 0 to {n}");
                    faults.push((*line, what));
                }
            }
        }
    }
    faults
}

/// The head and the relation of an arc.
fn parts(item: &str) -> Option<(Id, &str)> {
    let (head, label) = item.split_once(':').filter(|(_, label)| !label.is_empty())?;
    Some((Id::parse(head)?, label))
}

/// The cell of each word's line; `None` if a prediction is no graph.
pub(super) fn cells(
    examples: &[Example],
    field: &FieldPredictions<'_>,
) -> Option<HashMap<u32, String>> {
    let mut by_line = HashMap::new();
    for (example, prediction) in examples.iter().zip(field.predictions) {
        let arcs = match prediction {
            Prediction::Arcs(arcs) => arcs.as_slice(),
            Prediction::None => &[],
            _ => return None,
        };
        let mut of_words: HashMap<u32, BTreeSet<(u32, &str)>> = HashMap::new();
        for arc in arcs {
            let label = arc.label.map_or(UNSPECIFIED, |label| field.names.get(label));
            let head = arc.head.map_or(0, |head| head + 1);
            of_words.entry(arc.dependent).or_default().insert((head, label));
        }
        for (word, arcs) in of_words {
            let arcs: Vec<String> =
                arcs.into_iter().map(|(head, label)| format!("{head}:{label}")).collect();
            by_line.insert(example.line_of(word as usize), arcs.join("|"));
        }
    }
    Some(by_line)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::Setting;

    const GRAPH: &str = "1\tSue\t_\t_\t_\t_\t_\t_\t2:nsubj|4:nsubj:xsubj\t_\n2\twants\t_\t_\t_\t_\t_\t_\t0:root\t_\n\
        2.1\tto\t_\t_\t_\t_\t_\t_\t2:x\t_\n3\tto\t_\t_\t_\t_\t_\t_\t2.1:mark|4:mark\t_\n4\tbuy\t_\t_\t_\t_\t_\t_\t_\t_\n\n\
        1\tGo\t_\t_\t_\t_\t_\t_\t_\t_\n";

    fn setting() -> Setting {
        Setting::new("conllu")
    }

    #[test]
    fn enhanced_graphs_are_arcs_without_empty_nodes() {
        let reading = setting().read(GRAPH);
        assert_eq!(reading.faults(), [""; 0]);
        let arcs = "1>0:nsubj 3>0:nsubj:xsubj root>1:root 3>2:mark";
        assert_eq!(reading.structures("deps"), [arcs, "–"]);
    }

    #[test]
    fn an_enhanced_graph_is_written_into_its_column() {
        let reading = setting().read(GRAPH);
        let written = String::from_utf8(setting().write_structures(&reading, "deps")).unwrap();
        assert_eq!(written, GRAPH.replace("2.1:mark|", ""));
    }

    #[test]
    fn faults_of_enhanced_graphs_name_their_line() {
        for (from, to, fault) in [
            (
                "0:root",
                "9:root",
                "f:2: deps \"9:root\", expected HEAD:RELATION with a head from 0 to 4",
            ),
            (
                "0:root",
                "root",
                "f:2: deps \"root\", expected HEAD:RELATION with a head from 0 to 4",
            ),
            ("0:root", "0:", "f:2: deps \"0:\", expected HEAD:RELATION with a head from 0 to 4"),
            (
                "|4:nsubj",
                "|_",
                "f:1: deps \"_:xsubj\", expected HEAD:RELATION with a head from 0 to 4",
            ),
            (
                "0:root",
                "2:root",
                "f:2: deps \"2:root\": an arc from the word to itself, expected one from another",
            ),
        ] {
            let text = GRAPH.replace(from, to);
            assert_eq!(setting().read(&text).faults(), [fault], "{to}");
            let input = setting().read_as(&text, super::super::Labels::Absent);
            assert_eq!(input.structures("deps"), ["–", "–"], "{to}");
        }
    }
}
