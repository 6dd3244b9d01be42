//! The durations of the trainer's spans, by name.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Instant,
};

use serde_json::{Value, json};
use tracing::{Metadata, Subscriber, span};

/// The times of each span, in milliseconds, in the order in which they ended.
#[derive(Clone, Default)]
pub(crate) struct Spans(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    names: Vec<&'static str>,
    /// The open spans, each with its start: the trainer is one thread.
    open: Vec<(u64, Instant)>,
    ms: BTreeMap<&'static str, Vec<f64>>,
}

impl Spans {
    /// Records from now on.
    pub(crate) fn install() -> Self {
        let spans = Self::default();
        tracing::subscriber::set_global_default(spans.clone()).unwrap();
        spans
    }

    /// The throughput after the first few steps, and on request the parts of a step.
    pub(crate) fn report(&self, tokens: &[u64], warm_up: usize, parts: bool) -> Value {
        let state = self.0.lock().unwrap();
        let mut reported = rates(&state.ms["step"][warm_up..], &tokens[warm_up..]);
        if parts {
            let median = |ms: &Vec<f64>| {
                let mut ms = ms[warm_up.min(ms.len() - 1)..].to_vec();
                ms.sort_by(f64::total_cmp);
                ms[ms.len() / 2]
            };
            let medians: BTreeMap<_, _> =
                state.ms.iter().map(|(name, ms)| (*name, median(ms))).collect();
            reported["spans_ms_median"] = json!(medians);
        }
        reported
    }
}

/// Tokens per second and milliseconds per step, in the peer's format.
pub(crate) fn rates(steps_ms: &[f64], tokens: &[u64]) -> Value {
    let total: f64 = steps_ms.iter().sum();
    let n_tokens: u64 = tokens.iter().sum();
    let mut sorted = steps_ms.to_vec();
    sorted.sort_by(f64::total_cmp);
    json!({
        "tokens_per_s": (n_tokens as f64 / total * 1e3).round(),
        "step_ms_median": sorted[sorted.len() / 2],
        "step_ms_min": sorted[0],
        "step_ms_max": sorted[sorted.len() - 1],
        "steps": steps_ms.len(),
        "tokens": n_tokens,
    })
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().starts_with("auxdesk::train")
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut state = self.0.lock().unwrap();
        let name = span.metadata().name();
        let at = state.names.iter().position(|known| *known == name).unwrap_or_else(|| {
            state.names.push(name);
            state.names.len() - 1
        });
        span::Id::from_u64(at as u64 + 1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn event(&self, _event: &tracing::Event<'_>) {}

    #[allow(clippy::disallowed_methods, reason = "a bench measures")]
    fn enter(&self, span: &span::Id) {
        self.0.lock().unwrap().open.push((span.into_u64(), Instant::now()));
    }

    fn exit(&self, span: &span::Id) {
        let mut state = self.0.lock().unwrap();
        let (open, began) = state.open.pop().unwrap();
        assert_eq!(open, span.into_u64(), "spans end in the order of their nesting");
        let name = state.names[open as usize - 1];
        state.ms.entry(name).or_default().push(began.elapsed().as_secs_f64() * 1e3);
    }
}
