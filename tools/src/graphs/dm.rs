//! Graphs after DM: predicates with numbered arguments; function words but prepositions, modals and
//! subordinators have no part.

use super::{Graph, Tree};

pub(super) fn graph(tree: &Tree<'_>) -> Graph {
    let mut graph = Graph::default();
    graph.tops.push(top(tree));
    for word in tree.words() {
        arcs(tree, word, &mut graph);
    }
    graph
}

/// The main predicate; a modal above it.
fn top(tree: &Tree<'_>) -> usize {
    let root = tree.root();
    identity(tree, root).or_else(|| modal(tree, root)).unwrap_or(root)
}

/// The copula between a subject and a noun, which is a predicate.
fn identity(tree: &Tree<'_>, word: usize) -> Option<usize> {
    let is_noun = ["NOUN", "PROPN", "PRON"].contains(&tree.pos(word));
    tree.child(word, &["cop"]).filter(|_| is_noun)
}

fn modal(tree: &Tree<'_>, verb: usize) -> Option<usize> {
    let aux = tree.child(verb, &["aux"])?;
    let modals =
        ["can", "could", "may", "might", "must", "shall", "should", "would", "will", "ca", "wo"];
    modals.contains(&tree.form(aux).as_str()).then_some(aux)
}

fn arcs(tree: &Tree<'_>, word: usize, graph: &mut Graph) {
    let head = tree.head(word);
    if tree.is_predicate(word) {
        of_predicate(tree, word, graph);
    }
    match tree.relation(word) {
        "det" => graph.arc(word, head, "BV"),
        "amod" | "nummod" | "advmod" | "det:predet" => graph.arc(word, head, "ARG1"),
        "compound" | "flat" => graph.arc(head, word, "compound"),
        "nmod:poss" => graph.arc(head, word, "poss"),
        "appos" => graph.arc(head, word, "appos"),
        "obl:tmod" => graph.arc(word, head, "loc"),
        "obl" | "nmod" => match tree.child(word, &["case"]) {
            Some(case) => {
                graph.arc(case, head, "ARG1");
                graph.arc(case, word, "ARG2");
            }
            None => graph.arc(word, head, "loc"),
        },
        "advcl" => match tree.child(word, &["mark"]) {
            Some(mark) => {
                graph.arc(mark, head, "ARG1");
                graph.arc(mark, word, "ARG2");
            }
            None => graph.arc(head, word, "subord"),
        },
        "conj" => {
            let cc = tree.child(word, &["cc"]).map_or_else(|| "and".to_owned(), |cc| tree.form(cc));
            graph.arc(head, word, format!("_{cc}_c"));
        }
        "parataxis" => graph.arc(head, word, "parenthetical"),
        _ => {}
    }
}

fn of_predicate(tree: &Tree<'_>, word: usize, graph: &mut Graph) {
    if let Some(modal) = modal(tree, word) {
        graph.arc(modal, word, "ARG1");
    }
    let subject = tree.subject(word);
    if let Some(copula) = identity(tree, word) {
        if let Some((subject, _)) = subject {
            graph.arc(copula, subject, "ARG1");
        }
        graph.arc(copula, word, "ARG2");
        return;
    }
    if let Some((subject, is_passive)) = subject {
        graph.arc(word, subject, if is_passive { "ARG2" } else { "ARG1" });
    }
    if let Some(agent) = tree.child(word, &["obl:agent"]) {
        graph.arc(word, agent, "ARG1");
    }
    if let Some(object) = tree.object(word) {
        graph.arc(word, object, "ARG2");
    }
    if let Some(recipient) = tree.child(word, &["iobj"]) {
        graph.arc(word, recipient, "ARG3");
    }
    if let Some(content) = tree.child(word, &["ccomp", "xcomp"]) {
        graph.arc(word, content, "ARG2");
    }
}
