//! The alignments of one sequence as paths through states: a blank, the first label, a blank, the second label, and so
//! on, ending with a blank. A path stays, moves on by one, or skips a blank between different labels.

#![expect(clippy::inline_always, reason = "a loop over a call that stays a call is not vectorised")]

use std::ops::Range;

use crate::kernel::vector::{exp, exp_or_zero, ln, log_sum_exp, max_of_row};

/// The logarithm of the probability of what is impossible: finite, as differences of infinities are NaN.
const NEVER: f32 = -1e30;

/// States beyond either end, from which a path may come or to which it may go.
const MARGIN: usize = 2;

/// The states of a label sequence.
struct States {
    /// The class of each state.
    classes: Vec<usize>,
    /// 0 for a state that may be reached by a skip, NEVER for others, and for those after the last.
    skip: Vec<f32>,
    n_frames: usize,
}

impl States {
    fn new(labels: &[u32], blank: usize, n_frames: usize) -> Self {
        let of_label = |&label: &u32| [label as usize, blank];
        let classes: Vec<usize> =
            std::iter::once(blank).chain(labels.iter().flat_map(of_label)).collect();
        let may_skip = |s: usize| s >= 2 && classes[s] != blank && classes[s] != classes[s - 2];
        let of_state = |s: usize| if may_skip(s) { 0.0 } else { NEVER };
        let skip = (0..classes.len()).map(of_state).chain([NEVER; MARGIN]).collect();
        Self { classes, skip, n_frames }
    }

    fn len(&self) -> usize {
        self.classes.len()
    }

    /// The states that a frame's path may be in, so that as many frames as there are reach it from the start, and the
    /// end from it.
    fn reached(&self, t: usize) -> Range<usize> {
        let first = self.len().saturating_sub(2 * (self.n_frames - t));
        first..self.len().min(2 * (t + 1))
    }

    /// The last states of a path: the last label and the blank after it.
    fn last(&self) -> Range<usize> {
        self.len().saturating_sub(2)..self.len()
    }

    /// ln y of the class of each of these states, for a frame with these logits and their log-sum.
    #[inline(always)]
    fn emissions(&self, states: Range<usize>, frame: &[f32], log_sum: f32, to: &mut [f32]) {
        for (to, &class) in to[states.clone()].iter_mut().zip(&self.classes[states]) {
            *to = frame[class] - log_sum;
        }
    }
}

/// The loss of a sequence whose frames have these logits, and the gradient with respect to them if one is required:
/// (frames, classes).
#[inline(always)]
pub(super) fn loss<'a>(
    frame: impl Fn(usize) -> &'a [f32],
    n_frames: usize,
    labels: &[u32],
    requires_grad: bool,
) -> (f32, Option<Vec<f32>>) {
    if n_frames == 0 {
        return (0.0, requires_grad.then(Vec::new));
    }
    let n_classes = frame(0).len();
    let states = States::new(labels, n_classes - 1, n_frames);
    let n_states = states.len();
    let log_sums: Vec<f32> = (0..n_frames).map(|t| log_sum_exp(frame(t))).collect();
    // ln of the probability of all ways to each state, less the largest of a frame; the margin is before the states.
    let (mut before, mut now) = (vec![NEVER; MARGIN + n_states], vec![NEVER; MARGIN + n_states]);
    let mut emissions = vec![NEVER; n_states];
    let mut alphas = Vec::with_capacity(if requires_grad { n_frames * n_states } else { 0 });
    let mut log_p = 0.0f64;
    for (t, &log_sum) in log_sums.iter().enumerate() {
        let Range { start, end } = states.reached(t);
        states.emissions(start..end, frame(t), log_sum, &mut emissions);
        now.fill(NEVER);
        let reached = &mut now[MARGIN + start..MARGIN + end];
        if t == 0 {
            reached.fill(0.0);
        } else {
            let n = end - start;
            let [skipping, moving, staying] = [0, 1, 2].map(|from| &before[start + from..][..n]);
            log_add(reached, staying, moving, (skipping, &states.skip[start..end]));
        }
        for (now, emission) in reached.iter_mut().zip(&emissions[start..end]) {
            *now += emission;
        }
        log_p += f64::from(subtract_max(reached));
        if requires_grad {
            alphas.extend_from_slice(&now[MARGIN..]);
        }
        std::mem::swap(&mut before, &mut now);
    }
    log_p += f64::from(log_sum_exp(&before[MARGIN..][states.last()]));
    // Negative by rounding only; NaN stays.
    let loss = if log_p > 0.0 { 0.0 } else { -log_p as f32 };
    let gradient = requires_grad.then(|| gradient(frame, &states, &log_sums, &alphas));
    (loss, gradient)
}

/// The gradient of the loss with respect to the logits, given the shifted ln of the probability of all ways to each
/// state of each frame.
#[inline(always)]
fn gradient<'a>(
    frame: impl Fn(usize) -> &'a [f32],
    states: &States,
    log_sums: &[f32],
    alphas: &[f32],
) -> Vec<f32> {
    let (n_states, n_frames) = (states.len(), log_sums.len());
    let n_classes = frame(0).len();
    let mut gradient = vec![0.0; n_frames * n_classes];
    // ln of the probability of all ways from each state to the end; `after` has the emissions of the following frame
    // and the margin after its states.
    let mut beta = vec![NEVER; n_states];
    let mut after = vec![NEVER; n_states + MARGIN];
    let mut joint = vec![0.0; n_states];
    beta[states.last()].fill(0.0);
    for t in (0..n_frames).rev() {
        let Range { start, end } = states.reached(t);
        let n = end - start;
        if t + 1 < n_frames {
            beta.fill(NEVER);
            let [staying, moving, skipping] = [0, 1, 2].map(|to| &after[start + to..][..n]);
            let skip = &states.skip[start + 2..][..n];
            log_add(&mut beta[start..end], staying, moving, (skipping, skip));
            subtract_max(&mut beta[start..end]);
        }
        // The probability of each state given the labels: of all ways through it among all ways.
        let joint = &mut joint[start..end];
        let alpha = &alphas[t * n_states..][start..end];
        for ((joint, a), b) in joint.iter_mut().zip(alpha).zip(&beta[start..end]) {
            *joint = a + b;
        }
        let log_sum = log_sum_exp(joint);
        for joint in joint.iter_mut() {
            *joint = exp_or_zero(*joint - log_sum);
        }
        let of_frame = &mut gradient[t * n_classes..][..n_classes];
        for (grad, logit) in of_frame.iter_mut().zip(frame(t)) {
            *grad = exp_or_zero(logit - log_sums[t]);
        }
        for (&class, joint) in states.classes[start..end].iter().zip(joint.iter()) {
            of_frame[class] -= joint;
        }
        after.fill(NEVER);
        states.emissions(start..end, frame(t), log_sums[t], &mut after);
        for (after, b) in after[start..end].iter_mut().zip(&beta[start..end]) {
            *after += b;
        }
    }
    gradient
}

/// ln(eᵃ + eᵇ + eᶜ) of each element, where c has a term added that says whether it is possible.
#[inline(always)]
fn log_add(to: &mut [f32], a: &[f32], b: &[f32], (c, if_possible): (&[f32], &[f32])) {
    let n = to.len();
    let (a, b, c, if_possible) = (&a[..n], &b[..n], &c[..n], &if_possible[..n]);
    for at in 0..n {
        let (a, b, c) = (a[at], b[at], c[at] + if_possible[at]);
        let max = a.max(b).max(c);
        to[at] = max + ln(exp(a - max) + exp(b - max) + exp(c - max));
    }
}

/// Subtracts the largest element from every one and returns it.
#[inline(always)]
fn subtract_max(row: &mut [f32]) -> f32 {
    let max = max_of_row(row);
    if !max.is_finite() {
        return max;
    }
    for x in row {
        *x -= max;
    }
    max
}
