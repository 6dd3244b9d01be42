//! Queries that rank one collection of documents: training, evaluation and prediction by the whole program.

use std::fmt::Write as _;

use crate::runs::{Exited, Here, finish, json};

const RECIPE: &str = r#"name = "search"

[train]
seed = 1
steps = 120
batch_size = 4
optimizer = "adam"
learning_rate = 0.02
evaluate_every = 30
best = "rank.ndcg_at_10"

[[corpus]]
name = "queries"
format = "smart"
query_numbers = "ordinal"
sections = ["W"]
relevance = { "1" = 2, "4" = 1, "-1" = 0 }
train = ["queries", "documents", "judgements"]
dev = { from = "train", every = 4 }
test = { from = "train", every = 5 }

[[encoder]]
name = "words"
kind = "bow"
field = "query"
width = 16

[[objective]]
name = "rank"
role = "main"
kind = "rank"
corpus = "queries"
label = "relevance"
left = "words"
right = "documents:words"
negatives = 4
"#;

const N_QUERIES: usize = 40;
const N_DOCUMENTS: usize = 12;

/// Each query is answered by the documents with its word, of which another is only judged.
fn files(here: &Here) {
    let (mut queries, mut documents, mut judgements) =
        (String::new(), String::new(), String::new());
    for query in 0..N_QUERIES {
        let word = query % (N_DOCUMENTS / 2);
        let _ = write!(queries, ".I {}\n.W\nwhich one has w{word} in it\n", 7 * query + 1);
        let (best, other) = (2 * word + 1, 2 * word + 2);
        let wrong = (2 * word + 2) % N_DOCUMENTS + 1;
        let number = query + 1;
        let _ =
            write!(judgements, "{number} {best} 1\n{number} {other} 4\n{number} {wrong} -1 \r\n");
    }
    for document in 0..N_DOCUMENTS {
        let words = format!("w{} ", document / 2).repeat(2 - document % 2);
        let _ = write!(documents, ".I {}\n.A\nsmith\n.W\n{words}is it\n", document + 1);
    }
    // One that no query is judged with.
    documents.push_str(".I 99\n.W\nin it\n");
    here.write("queries", queries);
    here.write("documents", documents);
    here.write("judgements", judgements);
    here.write("recipe.toml", RECIPE);
}

#[test]
fn the_whole_collection_is_ranked_for_queries_that_were_held_out() {
    let here = Here::new();
    files(&here);
    let checked = finish(&mut here.auxdesk(["check", "recipe.toml", "--json"]));
    assert_eq!(checked.code, Some(0), "{}", checked.err);
    let splits = json(&checked.out)["corpora"][0]["splits"].clone();
    let sizes: Vec<u64> =
        splits.as_array().unwrap().iter().map(|it| it["examples"].as_u64().unwrap()).collect();
    // Test has queries 5, 10, ..., dev every fourth of the others.
    assert_eq!(sizes, [24, 8, 8]);

    let exited = finish(&mut here.auxdesk(["train", "recipe.toml", "--run", "run", "--headless"]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let evaluated = finish(&mut here.auxdesk(["evaluate", "run", "--json"]));
    let test = json(&evaluated.out)["objectives"][0]["test"]["metrics"].clone();
    for metric in ["mrr", "ndcg_at_10", "map"] {
        assert!(test[metric].as_f64().unwrap() > 80.0, "{metric}: {}", evaluated.out);
    }

    let predicted = finish(&mut here.auxdesk(["predict", "run", "queries", "documents"]));
    assert_eq!(predicted.code, Some(0), "{}", predicted.err);
    let lines: Vec<Vec<&str>> =
        predicted.out.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(lines.len(), N_QUERIES * (N_DOCUMENTS + 1));
    let of_third: Vec<&Vec<&str>> = lines.iter().filter(|line| line[0] == "3").collect();
    assert_eq!(of_third.len(), N_DOCUMENTS + 1);
    assert!(of_third.iter().zip(1..).all(|(line, rank)| line[3] == rank.to_string()));
    let scores: Vec<f32> = of_third.iter().map(|line| line[4].parse().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    // With judgements there is the same ranking.
    let labelled =
        finish(&mut here.auxdesk(["predict", "run", "queries", "documents", "judgements"]));
    assert_eq!(labelled.out, predicted.out, "{}", labelled.err);
}

#[test]
fn a_query_without_a_relevant_document_is_counted() {
    let here = Here::new();
    files(&here);
    let judgements = here.read("judgements");
    // Of query 1 only the document that is irrelevant.
    let rest: Vec<&str> = judgements.lines().skip(2).collect();
    here.write("judgements", rest.join("\n"));
    let Exited { code, out, err, .. } = finish(&mut here.auxdesk(["check", "recipe.toml"]));
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.contains("queries:1: expected a candidate with a relevance above 0, found none"),
        "{out}"
    );
}

#[test]
fn documents_that_examples_share_are_not_taken_for_those_of_one_example() {
    let here = Here::new();
    files(&here);
    let attend = "[[encoder]]\nname = \"embed\"\nkind = \"embed\"\nfield = \"query\"\nwidth = 8\n\
                  [[encoder]]\nname = \"near\"\nkind = \"attend\"\ninput = \"INPUT\"\nto = \"TO\"\n\
                  [[objective]]";
    let attending = RECIPE
        .replace("[[objective]]", attend)
        .replace("kind = \"rank\"", "kind = \"rank\"\nhead = \"pair\"");
    let shared = |key: &str| {
        format!(
            "\"near\": expected `{key}` of a text that each example has, found the documents of corpus \"queries\", \
             which its examples share; read another text, or none\n"
        )
    };
    let by_query = ("left = \"words\"", "left = \"near.mean\"");
    let by_document = ("right = \"documents:words\"", "right = \"near.mean\"");
    for (input, to, (from, tap), key) in [
        ("embed", "documents:embed", by_query, "to"),
        ("documents:embed", "embed", by_document, "input"),
    ] {
        let recipe = attending.replace("INPUT", input).replace("TO", to).replace(from, tap);
        here.write("recipe.toml", recipe);
        let refused = finish(&mut here.auxdesk(["check", "recipe.toml"]));
        assert_eq!(refused.code, Some(2), "{}", refused.out);
        assert!(refused.err.ends_with(&shared(key)), "{}", refused.err);
        assert_eq!(refused.err.lines().count(), 1, "{}", refused.err);
    }
    let extract = "kind = \"extract\"\npositive = \"1\"\ntap = \"documents:words\"";
    let recipe = RECIPE.split("kind = \"rank\"").next().unwrap();
    let recipe = recipe.replace("rank.ndcg_at_10", "rank.f1");
    here.write(
        "recipe.toml",
        format!("{recipe}{extract}\ncorpus = \"queries\"\nlabel = \"relevance\"\n"),
    );
    let refused = finish(&mut here.auxdesk(["check", "recipe.toml"]));
    assert_eq!(
        (refused.code, refused.err.as_str()),
        (
            Some(2),
            "recipe.toml:35: \"rank\": expected labels of texts that each example has, found those of the documents of \
             corpus \"queries\", which its examples share; set `kind` to one of \"next-sentence\", \"rank\"\n"
        )
    );
}
