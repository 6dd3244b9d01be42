//! Predictions as JSON: arcs, spans and relations in the form in which they are read.

use serde_json::{Value, json};

use crate::data::{Lexicon, Prediction, prediction::ranked, structure::TokenSpan, write::named};

/// A prediction. A single class or number is a scalar, unless the field has one per token.
pub(super) fn value(prediction: &Prediction, names: &Lexicon, is_array: bool) -> Value {
    let labelled = |mut parts: Vec<Value>, label: Option<u32>| {
        parts.extend(label.map(|label| names.get(label).into()));
        Value::Array(parts)
    };
    let span = |span: &TokenSpan| labelled(vec![span.start.into(), span.end.into()], span.label);
    match prediction {
        Prediction::Classes(classes) => match named(classes, names).as_slice() {
            [only] if !is_array => only.as_str().into(),
            all => all.into(),
        },
        Prediction::LabelSet(classes) => named(classes, names).into(),
        Prediction::Numbers(numbers) => match numbers.as_slice() {
            [only] if !is_array => json!(only),
            all => json!(all),
        },
        Prediction::Arcs(arcs) => {
            let arc = arcs.iter().map(|arc| {
                let head = arc.head.map_or(0, |head| head + 1);
                labelled(vec![head.into(), (arc.dependent + 1).into()], arc.label)
            });
            Value::Array(arc.collect())
        }
        Prediction::Spans(spans) => Value::Array(spans.iter().map(span).collect()),
        Prediction::Relations(relations) => {
            let relation = relations.iter().map(|relation| {
                let (from, to) = (span(&relation.from), span(&relation.to));
                json!([from, to, names.get(relation.label)])
            });
            Value::Array(relation.collect())
        }
        Prediction::Texts(texts) => {
            let text = texts.iter().map(|text| json!({ "text": text.text, "score": text.score }));
            Value::Array(text.collect())
        }
        Prediction::Ranking(scores) => {
            let candidate = ranked(scores).into_iter();
            let candidate = candidate.map(|at| json!({ "candidate": at, "score": scores[at] }));
            Value::Array(candidate.collect())
        }
        Prediction::Vector(numbers) => json!(numbers),
        Prediction::None => json!([]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{
        prediction::ScoredText,
        structure::{GraphArc, SpanRelation},
    };

    #[test]
    fn every_prediction_is_a_json_value() {
        let names: Lexicon = ["a", "b"].into_iter().collect();
        let span = |start, end, label| TokenSpan { start, end, label: Some(label) };
        let arc = |head, dependent, label| GraphArc { head, dependent, label };
        let relation = SpanRelation { from: span(0, 1, 0), to: span(2, 4, 1), label: 1 };
        let text = |text: &str, score| ScoredText { text: text.to_owned(), score };
        let cases = [
            (Prediction::Classes(vec![1]), "\"b\""),
            (Prediction::Classes(vec![1, 0]), "[\"b\",\"a\"]"),
            (Prediction::LabelSet(vec![1]), "[\"b\"]"),
            (Prediction::Numbers(vec![0.5]), "0.5"),
            (
                Prediction::Arcs(vec![arc(None, 1, Some(0)), arc(Some(1), 0, None)]),
                "[[0,2,\"a\"],[2,1]]",
            ),
            (Prediction::Spans(vec![span(0, 2, 1)]), "[[0,2,\"b\"]]"),
            (Prediction::Spans(vec![TokenSpan { label: None, ..span(0, 2, 1) }]), "[[0,2]]"),
            (Prediction::Relations(vec![relation]), "[[[0,1,\"a\"],[2,4,\"b\"],\"b\"]]"),
            (Prediction::Texts(vec![text("x", -0.5)]), "[{\"score\":-0.5,\"text\":\"x\"}]"),
            (
                Prediction::Ranking(vec![0.5, 2.0]),
                "[{\"candidate\":1,\"score\":2.0},{\"candidate\":0,\"score\":0.5}]",
            ),
            (Prediction::Vector(vec![1.5, -2.0]), "[1.5,-2.0]"),
            (Prediction::None, "[]"),
        ];
        for (prediction, wanted) in cases {
            assert_eq!(value(&prediction, &names, false).to_string(), wanted, "{prediction:?}");
        }
        assert_eq!(value(&Prediction::Classes(vec![0]), &names, true).to_string(), "[\"a\"]");
    }
}
