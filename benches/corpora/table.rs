//! The page of results, from the summaries that are kept.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use crate::{
    plan::{Arm, Conversion, Corpus, Metric, Plan, shell},
    run::Kept,
};

const HEAD: &str = "# Results on public corpora

`cargo bench --bench corpora` trains the arms of `arms.toml` whose summaries are not in this folder yet, and writes this
page. But for a sample of our own, the corpora cannot be redistributed: the commands read them from the folder named by
`AUXDESK_CORPORA`. Figures are on test, means over seeds 1, 2, … with the standard deviation in brackets; the number of
seeds is given where it is not 3. `–` stands for a score of an objective that an arm does not train, and for an arm that
was not trained yet.
";

/// The command of this program.
const BENCH: &str = "cargo bench --bench corpora --";

/// The whole page.
pub(crate) fn page(plan: &Plan, folder: &Path) -> String {
    let mut page = HEAD.to_owned();
    let is_trained = |corpus: &&Corpus| {
        let mut arms = corpus.arm.iter().filter(|arm| arm.baseline.is_none());
        arms.any(|arm| Kept::read(folder, corpus, arm, 1).is_some())
    };
    for corpus in plan.corpus.iter().filter(is_trained) {
        section(&mut page, corpus, folder);
    }
    page
}

fn section(page: &mut String, corpus: &Corpus, folder: &Path) {
    write!(page, "\n## {}\n\n{}\n\n```sh\n", corpus.title, corpus.about.trim()).unwrap();
    // The options that all arms share.
    let mut shared = "";
    if !corpus.set.is_empty() {
        page.push_str("corpus=(\n");
        for set in &corpus.set {
            writeln!(page, "  --set {}", shell(std::slice::from_ref(set))).unwrap();
        }
        page.push_str(")\n");
        shared = " \"${corpus[@]}\"";
    }
    if let Some(Conversion { into, .. }) = &corpus.converted {
        writeln!(page, "# {BENCH} --corpus {} writes {into} before it trains", corpus.name)
            .unwrap();
    }
    for arm in &corpus.arm {
        writeln!(page, "# {}", arm.about).unwrap();
        if arm.baseline.is_some() {
            writeln!(page, "{BENCH} --corpus {} --arm {}", corpus.name, arm.name).unwrap();
            continue;
        }
        if let Some(source) = &arm.from {
            writeln!(page, "auxdesk train {} --seed 1 --run $RUN", shell(&source.options()))
                .unwrap();
        }
        let recipe = arm.recipe.as_ref().unwrap_or(&corpus.recipe);
        write!(page, "auxdesk train {recipe} --seed 1{shared}").unwrap();
        for set in &arm.set {
            write!(page, " --set {}", shell(std::slice::from_ref(set))).unwrap();
        }
        page.push('\n');
    }
    page.push_str("```\n\n| |");
    for metric in &corpus.metrics {
        write!(page, " {} |", metric.name).unwrap();
    }
    writeln!(page, "\n|---|{}", "---:|".repeat(corpus.metrics.len())).unwrap();
    let mut cpus = BTreeSet::new();
    for arm in &corpus.arm {
        let kept: Vec<Kept> =
            (1..).map_while(|seed| Kept::read(folder, corpus, arm, seed)).collect();
        let figures = figures(corpus, arm, &kept);
        cpus.extend(kept.into_iter().filter(|_| arm.baseline.is_none()).map(|kept| kept.cpu));
        writeln!(page, "| {} | {} |", arm.about, figures.join(" | ")).unwrap();
    }
    for published in &corpus.published {
        writeln!(page, "| published: {} | {} |", published.name, published.figures.join(" | "))
            .unwrap();
    }
    if let Some(picture) = &corpus.picture {
        writeln!(page, "\n![{}]({}.svg)", picture.alt, corpus.name).unwrap();
    }
    if !cpus.is_empty() {
        let cpus: Vec<String> = cpus.into_iter().collect();
        writeln!(page, "\nTrained on {}.", cpus.join("; ")).unwrap();
    }
    if !corpus.conclusion.is_empty() {
        writeln!(page, "\n{}", corpus.conclusion.trim()).unwrap();
    }
}

/// Each metric over the seeds: mean and standard deviation; of a baseline, its figure.
pub(crate) fn figures(corpus: &Corpus, arm: &Arm, kept: &[Kept]) -> Vec<String> {
    let shown = |metric: &Metric| {
        let scores: Vec<f64> = kept.iter().filter_map(|kept| kept.score(&metric.of)).collect();
        let (n, digits) = (scores.len(), metric.decimals);
        let mean = scores.iter().sum::<f64>() / n as f64;
        let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
        let deviation = (squares / (n as f64 - 1.0)).sqrt();
        match n {
            0 => "–".to_owned(),
            1 if arm.baseline.is_some() => format!("{mean:.digits$}"),
            1 => format!("{mean:.digits$} (1 seed)"),
            3 => format!("{mean:.digits$} ({deviation:.digits$})"),
            _ => format!("{mean:.digits$} ({deviation:.digits$}; {n} seeds)"),
        }
    };
    corpus.metrics.iter().map(shown).collect()
}
