//! The throughput of every weighting rule, alternately with `equal`.

use auxdesk::mixer::WEIGHTINGS;

use super::{Options, rounds};

/// Rounds of each rule and `equal`, with the median, minimum and maximum ratio of the throughputs.
pub(crate) fn compare(options: &Options) {
    let only = options.given.get("rule");
    let ours = rounds::without(options, &["rules", "rule"]);
    let rate = |weighting: &str| {
        let mut options = ours.clone();
        options.given.insert("weighting".to_owned(), weighting.to_owned());
        rounds::here(&options)["tokens_per_s"].as_f64().unwrap()
    };
    println!("time of a step relative to equal: median, minimum, maximum");
    let kinds = WEIGHTINGS.iter().map(|kind| kind.name());
    for kind in kinds.filter(|kind| only.is_none_or(|only| only == kind)) {
        let ratio = |_| {
            let equal = rate("equal");
            equal / rate(kind)
        };
        let mut ratios: Vec<f64> = (0..options.number("rules", 3)).map(ratio).collect();
        ratios.sort_by(f64::total_cmp);
        let (minimum, median) = (ratios[0], ratios[ratios.len() / 2]);
        println!("{kind:<15} {median:.2}  {minimum:.2}  {:.2}", ratios[ratios.len() - 1]);
    }
}
