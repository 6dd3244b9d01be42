//! The hard reading: the loss and the rewards of the parts that a policy draws.

use std::ops::Range;

use candle_core::{Result, Tensor};

use super::{
    super::{
        Reward,
        texts::{Right, Text},
    },
    Reader, Scored, pairs,
};
use crate::{
    data::Batch,
    kernel,
    metric::scorer::answer_f1,
    model::head::best_span,
    objective::{RawLoss, choice},
};

/// What is added to P(answer | s) of a segment that is drawn: most segments have no answer.
const LIKELIHOOD_EPSILON: f64 = 1e-3;

impl Reader {
    /// The part that the policy draws of each text with an answer in one as a whole.
    pub(super) fn draw(
        &self,
        texts: &[Text],
        selection: &[f32],
        batch: &Batch,
    ) -> Vec<Option<usize>> {
        let mut rest = selection;
        let of_text = |text: &Text| {
            let (of_text, others) = rest.split_at(text.parts.len());
            rest = others;
            of_text
        };
        let drawn = self.policy.draw(batch, &texts.iter().map(of_text).collect::<Vec<_>>());
        drawn
            .into_iter()
            .zip(texts)
            .map(|(at, text)| at.filter(|_| text.answers_in_parts().next().is_some()))
            .collect()
    }

    /// The loss of a hard reading in the parts that are drawn, one of each text, and their rewards: (parts that are
    /// drawn); `None` if there are none. The logarithms of the probabilities of parts are `selection`: (parts).
    pub(super) fn hard(
        &self,
        scored: &Scored,
        selection: &Tensor,
        (drawn, reward): (&[Option<usize>], Reward),
        batch: &Batch,
    ) -> Result<Option<(RawLoss, Vec<f32>)>> {
        let Scored { texts, log_p, .. } = scored;
        let count = drawn.iter().flatten().count();
        if count == 0 {
            return Ok(None);
        }
        let device = log_p.device();
        let flags = |is: &dyn Fn(usize) -> bool| {
            let flags: Vec<f32> = (0..texts.len()).map(|at| f32::from(u8::from(is(at)))).collect();
            Tensor::new(flags, device)
        };
        // P(answer | s) of each example: (examples); 0 where s has no answer.
        let right = Right::of(texts, |example, part| drawn[example] == Some(part));
        let has_answer = flags(&|at| !right.of_examples[at].is_empty())?;
        let likelihood = match right.log_p(log_p)? {
            Some(log_p) => {
                let loss = choice::loss(&log_p, &right.of_examples)?.expect("there is an answer");
                (loss.per_example.neg()?.exp()? * has_answer)?
            }
            None => has_answer,
        };
        // (examples)
        let r = (likelihood.affine(1.0, LIKELIHOOD_EPSILON)?.log()?
            * flags(&|at| drawn[at].is_some())?)?;
        let rewards = match reward {
            Reward::LogLikelihood => kernel::to_vec(&r)?,
            Reward::F1 => self.f1_of_parts(scored, drawn, batch)?,
        };
        // −(r − b)·ln P(s): its gradient, and the value 0.
        let (mut places, mut advantages, mut n_parts) = (Vec::new(), Vec::new(), 0);
        for ((text, at), reward) in texts.iter().zip(drawn).zip(&rewards) {
            places.push(at.map_or(0, |at| (n_parts + at) as u32));
            advantages.push(if at.is_some() { reward - self.policy.baseline() } else { 0.0 });
            n_parts += text.parts.len();
        }
        let of_drawn = kernel::gather(&selection.unsqueeze(1)?, places)?.flatten_all()?; // (examples)
        let score = ((&of_drawn - of_drawn.detach())? * Tensor::new(advantages, device)?)?;
        let of_drawn = rewards.iter().zip(drawn).filter(|(_, at)| at.is_some());
        let rewards = of_drawn.map(|(reward, _)| *reward).collect();
        Ok(Some((RawLoss::new((r + score)?.neg()?, count)?, rewards)))
    }

    /// The F1 of the best span of each part that is drawn.
    fn f1_of_parts(
        &self,
        scored: &Scored,
        drawn: &[Option<usize>],
        batch: &Batch,
    ) -> Result<Vec<f32>> {
        let attached = self.attached.get(&batch.corpus);
        let log_p = pairs(&scored.log_p)?;
        let mut n_tokens = 0;
        let of_text = |(text, at): (&Text, &Option<usize>)| {
            let ends = &log_p[n_tokens..][..text.rows.len()];
            n_tokens += text.rows.len();
            let part = text.parts[(*at)?].clone();
            let (first, last) = best_span(&ends[part.clone()], self.config.max_length)?;
            let words = |range: Range<usize>| Some(attached?.text(batch, &text.rows[range]));
            let gold: Option<Vec<String>> = text
                .answers_in_parts()
                .map(|(_, answer)| words(answer.start as usize..answer.end as usize))
                .collect();
            let found = words(part.start + first..part.start + last + 1)?;
            Some(answer_f1(&gold?, &found) as f32)
        };
        let f1 = scored.texts.iter().zip(drawn).map(of_text);
        Ok(f1.map(Option::unwrap_or_default).collect())
    }
}

#[cfg(test)]
mod tests;
