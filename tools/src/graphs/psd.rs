//! Graphs after PSD: content words with roles; a copula heads its clause, and a conjunction its members.

use super::{Graph, Tree};

pub(super) fn graph(tree: &Tree<'_>) -> Graph {
    let mut graph = Graph::default();
    graph.tops.push(outer(tree, tree.root()));
    for word in tree.words() {
        arcs(tree, word, &mut graph);
    }
    graph
}

/// The word that stands for a clause: its copula, if it has one.
fn clause(tree: &Tree<'_>, word: usize) -> usize {
    tree.child(word, &["cop"]).unwrap_or(word)
}

/// The word that stands for a phrase: the conjunction of what is coordinated.
fn outer(tree: &Tree<'_>, word: usize) -> usize {
    let conjunct = tree.child(word, &["conj"]);
    let conjunction = conjunct.and_then(|conjunct| tree.child(conjunct, &["cc"]));
    conjunction.unwrap_or_else(|| clause(tree, word))
}

fn arcs(tree: &Tree<'_>, word: usize, graph: &mut Graph) {
    let head = clause(tree, tree.head(word));
    if tree.is_predicate(word) {
        of_predicate(tree, word, graph);
    }
    let preposition =
        || tree.child(word, &["case"]).map(|case| tree.form(case)).unwrap_or_default();
    let role = match tree.relation(word) {
        "amod" | "nummod" | "compound" | "acl" | "acl:relcl" => "RSTR",
        "flat" => "NE",
        "appos" => "APPS",
        "nmod:poss" => "APP",
        "nmod" if preposition() == "of" => "APP",
        "nmod" | "obl" => role_of(&preposition()),
        "obl:tmod" => "TWHEN",
        "advmod" if ["not", "n't", "never", "no"].contains(&tree.form(word).as_str()) => "RHEM",
        "advmod" => "MANN",
        "advcl" => {
            let mark = tree.child(word, &["mark"]).map(|mark| tree.form(mark)).unwrap_or_default();
            match mark.as_str() {
                "because" | "so" => "CAUS",
                "if" => "COND",
                "although" => "CNCS",
                "to" | "" => "AIM",
                _ => "TWHEN",
            }
        }
        "parataxis" => "PAR",
        "conj" => {
            if let Some(conjunction) = tree.child(word, &["cc"]) {
                graph.arc(conjunction, head, "CONJ.member");
                graph.arc(conjunction, clause(tree, word), "CONJ.member");
            }
            return;
        }
        _ => return,
    };
    graph.arc(head, outer(tree, word), role);
}

fn role_of(preposition: &str) -> &'static str {
    match preposition {
        "in" | "at" | "near" | "outside" | "across" | "around" | "over" | "inside" | "under" => {
            "LOC"
        }
        "on" | "since" | "until" | "before" | "after" | "during" | "by" => "TWHEN",
        "to" | "into" | "past" => "DIR3",
        "from" | "off" | "out" => "DIR1",
        "with" | "without" => "ACMP",
        "because" | "despite" | "for" => "CAUS",
        "about" => "PAT",
        "like" | "as" => "CPR",
        _ => "EXT",
    }
}

fn of_predicate(tree: &Tree<'_>, word: usize, graph: &mut Graph) {
    let predicate = clause(tree, word);
    if let Some((subject, is_passive)) = tree.subject(word) {
        graph.arc(predicate, outer(tree, subject), if is_passive { "PAT-arg" } else { "ACT-arg" });
    }
    if predicate != word {
        graph.arc(predicate, word, "PAT-arg");
        return;
    }
    if let Some(agent) = tree.child(word, &["obl:agent"]) {
        graph.arc(word, outer(tree, agent), "ACT-arg");
    }
    if let Some(object) = tree.object(word) {
        graph.arc(word, outer(tree, object), "PAT-arg");
    }
    if let Some(recipient) = tree.child(word, &["iobj"]) {
        graph.arc(word, outer(tree, recipient), "ADDR-arg");
    }
    if let Some(content) = tree.child(word, &["ccomp", "xcomp"]) {
        graph.arc(word, outer(tree, content), "EFF-arg");
    }
}
