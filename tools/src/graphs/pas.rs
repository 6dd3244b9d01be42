//! Graphs after PAS: every word but full stops is a predicate, and its label tells its class.

use super::{Graph, Tree};

pub(super) fn graph(tree: &Tree<'_>) -> Graph {
    let mut graph = Graph::default();
    graph.tops.push(tree.root());
    for word in tree.words() {
        arcs(tree, word, &mut graph);
    }
    graph
}

fn arcs(tree: &Tree<'_>, word: usize, graph: &mut Graph) {
    let head = tree.head(word);
    if tree.pos(word) == "VERB" {
        of_verb(tree, word, graph);
    }
    match tree.relation(word) {
        "det" | "det:predet" => graph.arc(word, head, "det_ARG1"),
        "amod" | "nummod" | "advmod" => graph.arc(word, head, "adj_ARG1"),
        "compound" | "flat" | "compound:prt" | "fixed" | "appos" => {
            graph.arc(word, head, "noun_ARG1")
        }
        "nmod:poss" => graph.arc(word, head, "poss_ARG1"),
        "obl:tmod" => graph.arc(word, head, "noun_ARG1"),
        "case" => {
            graph.arc(word, tree.head(head), "prep_ARG1");
            graph.arc(word, head, "prep_ARG2");
        }
        "mark" => {
            graph.arc(word, head, "comp_ARG1");
            if tree.relation(head) == "advcl" {
                graph.arc(word, tree.head(head), "comp_ARG2");
            }
        }
        "aux" | "aux:pass" => {
            if let Some((subject, _)) = tree.subject(head) {
                graph.arc(word, subject, "aux_ARG1");
            }
            graph.arc(word, head, "aux_ARG2");
        }
        "cop" => {
            if let Some((subject, _)) = tree.subject(head) {
                graph.arc(word, subject, "verb_ARG1");
            }
            graph.arc(word, head, "verb_ARG2");
        }
        "cc" => {
            graph.arc(word, tree.head(head), "coord_ARG1");
            graph.arc(word, head, "coord_ARG2");
        }
        "punct" if tree.form(word) == "," => graph.arc(word, head, "punct_ARG1"),
        _ if tree.is_relative(word) && tree.relation(head) == "acl:relcl" => {
            graph.arc(word, tree.head(head), "relative_ARG1");
        }
        _ => {}
    }
}

fn of_verb(tree: &Tree<'_>, verb: usize, graph: &mut Graph) {
    if let Some((subject, is_passive)) = tree.subject(verb) {
        graph.arc(verb, subject, if is_passive { "verb_ARG2" } else { "verb_ARG1" });
    }
    if let Some(object) = tree.object(verb) {
        graph.arc(verb, object, "verb_ARG2");
    }
    if let Some(recipient) = tree.child(verb, &["iobj"]) {
        graph.arc(verb, recipient, "verb_ARG3");
    }
    if let Some(content) = tree.child(verb, &["ccomp", "xcomp"]) {
        graph.arc(verb, content, "verb_ARG2");
    }
}
