//! Results on public corpora: trains the arms of `docs/results/arms.toml`, keeps the summary of each run under
//! `docs/results`, and writes the tables of `docs/results/README.md` and the pictures beside it from the summaries that are
//! there.
//!
//! `cargo bench --bench corpora` trains what is missing; a run whose summary is kept is not repeated as long as its
//! command and its recipe are the same, and one that was interrupted goes on. Baselines train nothing, and are computed each time. Options: `-- --seeds 3`,
//! `--corpus NAME`, `--arm NAME`, `--threads N` (the results do not depend on it). The corpora are found by the variable
//! `AUXDESK_CORPORA`; without it nothing is trained, and the tables are written again.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may panic, and prints")]
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

#[path = "corpora/articles.rs"]
mod articles;
#[path = "corpora/bm25.rs"]
mod bm25;
#[path = "corpora/constant.rs"]
mod constant;
#[path = "cpu.rs"]
mod cpu;
#[path = "corpora/names.rs"]
mod names;
#[path = "corpora/overlap.rs"]
mod overlap;
#[path = "corpora/picture.rs"]
mod picture;
#[path = "corpora/plan.rs"]
mod plan;
#[path = "corpora/run.rs"]
mod run;
#[path = "corpora/scenes.rs"]
mod scenes;
#[path = "corpora/table.rs"]
mod table;
#[path = "corpora/variables.rs"]
mod variables;

use std::{collections::BTreeMap, fs, path::Path, time::Instant};

use plan::{Arm, Corpus, Plan};
use run::{Kept, Programs};

/// The folder of the plan, the summaries and the tables.
const FOLDER: &str = "docs/results";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let given: BTreeMap<&str, &str> = options(&args);
    let seeds: u64 = given.get("--seeds").map_or(3, |seeds| seeds.parse().expect("a number"));
    let folder = Path::new(FOLDER);
    let text = fs::read_to_string(folder.join("arms.toml")).unwrap();
    let plan: Plan = toml::from_str(&text).unwrap_or_else(|error| panic!("arms.toml: {error}"));
    match std::env::var("AUXDESK_CORPORA") {
        Ok(corpora) => train(&plan, &given, seeds, &corpora),
        Err(_) => println!("AUXDESK_CORPORA is not set: nothing is trained"),
    }
    fs::write(folder.join("README.md"), table::page(&plan, folder)).unwrap();
    for corpus in &plan.corpus {
        let svg = corpus.picture.as_ref().and_then(|of| picture::svg(corpus, of, folder));
        if let Some(svg) = svg {
            fs::write(folder.join(format!("{}.svg", corpus.name)), svg).unwrap();
        }
    }
    println!("{FOLDER}/README.md is written");
}

/// The options of the command line, each with its value.
fn options(args: &[String]) -> BTreeMap<&str, &str> {
    const KNOWN: [&str; 4] = ["--seeds", "--corpus", "--arm", "--threads"];
    let mut given = BTreeMap::new();
    for pair in args.chunks(2) {
        match pair {
            [key, value] if KNOWN.contains(&key.as_str()) => given.insert(&**key, &**value),
            other => panic!("expected {} with a value, found {other:?}", KNOWN.join(", ")),
        };
    }
    given
}

/// Trains every run whose summary is missing or is that of another command.
fn train(plan: &Plan, given: &BTreeMap<&str, &str>, seeds: u64, corpora: &str) {
    let is_wanted = |key: &str, name: &str| given.get(key).is_none_or(|only| *only == name);
    let mut missing: Vec<(&Corpus, &Arm, u64)> = Vec::new();
    if let Some(name) = given.get("--corpus") {
        let names: Vec<&str> = plan.corpus.iter().map(|corpus| corpus.name.as_str()).collect();
        assert!(names.contains(name), "no corpus {name}; there are {}", names.join(", "));
    }
    let options = given.get("--threads").map(|threads| vec!["--threads", threads]);
    let programs = Programs { corpora, options: options.unwrap_or_default() };
    for corpus in plan.corpus.iter().filter(|corpus| is_wanted("--corpus", &corpus.name)) {
        if let Some(conversion) = &corpus.converted {
            programs.convert(conversion);
        }
        for arm in corpus.arm.iter().filter(|arm| is_wanted("--arm", &arm.name)) {
            let seeds = if arm.baseline.is_some() { 1 } else { seeds };
            let is_absent = |seed: &u64| {
                arm.baseline.is_some()
                    || Kept::read(Path::new(FOLDER), corpus, arm, *seed).is_none()
            };
            let absent = (1..=seeds).filter(is_absent);
            missing.extend(absent.map(|seed| (corpus, arm, seed)));
        }
    }
    let (start, n) = (Instant::now(), missing.len());
    for (at, (corpus, arm, seed)) in missing.into_iter().enumerate() {
        let kept = programs.run(corpus, arm, seed);
        kept.write(Path::new(FOLDER), corpus, arm, seed);
        let remaining = start.elapsed().as_secs_f64() / (at + 1) as f64 * (n - at - 1) as f64;
        println!(
            "{} of {n}: {}, {}, seed {seed}: {}; about {:.0} min left",
            at + 1,
            corpus.name,
            arm.name,
            table::figures(corpus, arm, &[kept]).join(", "),
            remaining / 60.0
        );
    }
}
