//! Sounds: harmonics of a pitch and noise, through two resonances.

use crate::dice::Dice;

/// Samples per second.
pub(crate) const RATE: usize = 8000;

/// A speaker.
pub(crate) struct Speaker {
    pub(crate) name: &'static str,
    /// The pitch in Hz.
    pub(crate) pitch: usize,
    /// Of all resonances, in percent.
    pub(crate) scale: usize,
    /// Of all lengths, in percent.
    pub(crate) pace: usize,
}

/// The time in ms over which a sound begins, and ends.
const FADE: usize = 8;

/// The resonances of a sound in Hz and its percentage of noise; `None` is silence.
type Sound = Option<([usize; 2], usize)>;

/// The samples of sounds with their lengths in ms, with a background noise; the loudest is as loud as ever.
pub(crate) fn sing(
    sounds: impl Iterator<Item = (Sound, usize)>,
    speaker: &Speaker,
    dice: &mut Dice,
) -> Vec<f64> {
    let mut samples = Vec::new();
    // In turns; an utterance starts anywhere, and its pitch falls a little.
    let (mut phase, mut vibrato) = (fraction(dice), fraction(dice));
    let mut pitch = (speaker.pitch * (94 + dice.below(13))) as f64 / 100.0;
    for (sound, length) in sounds {
        let n = length * RATE / 1000;
        let mut voice =
            sound.map(|(resonances, noise)| Voice::new(resonances, noise, speaker, dice));
        for at in 0..n {
            vibrato += 5.5 / RATE as f64;
            pitch *= 1.0 - 0.02 / RATE as f64;
            phase += pitch * (1.0 + 0.015 * sine(vibrato)) / RATE as f64;
            let fade = (FADE * RATE / 1000).min(n / 2).max(1);
            let envelope = (at.min(n - 1 - at) as f64 / fade as f64).min(1.0);
            let tone = voice.as_mut().map_or(0.0, |voice| voice.next(phase, pitch, dice));
            samples.push(envelope * tone);
        }
    }
    let loudest = samples.iter().fold(1e-9_f64, |most, sample| most.max(sample.abs()));
    let gain = (60 + dice.below(30)) as f64 / 100.0 / loudest;
    samples.iter().map(|sample| gain * sample + 0.012 * noise(dice)).collect()
}

/// A sound as it goes on.
struct Voice {
    resonators: [Resonator; 2],
    /// From 0 to 1.
    noise: f64,
}

impl Voice {
    fn new(resonances: [usize; 2], noise: usize, speaker: &Speaker, dice: &mut Dice) -> Self {
        let mut resonator = |hz: usize| {
            let hz = hz * speaker.scale * (95 + dice.below(11)) / 10_000;
            Resonator::new(hz.min(RATE * 48 / 100))
        };
        Self { resonators: resonances.map(&mut resonator), noise: noise as f64 / 100.0 }
    }

    fn next(&mut self, phase: f64, pitch: f64, dice: &mut Dice) -> f64 {
        let n_harmonics = (0.45 * RATE as f64 / pitch) as usize;
        let tone: f64 = (1..=n_harmonics).map(|k| sine(k as f64 * phase)).sum();
        let source = (1.0 - self.noise) * tone / n_harmonics as f64 + self.noise * noise(dice);
        let [first, second] = &mut self.resonators;
        first.next(source) + 0.7 * second.next(source)
    }
}

/// y_t = (1 − r) x_t + 2 r cos(2π f) y_t−1 − r² y_t−2
struct Resonator {
    feedback: [f64; 2],
    before: [f64; 2],
}

impl Resonator {
    const R: f64 = 0.96;

    fn new(hz: usize) -> Self {
        let cosine = sine(hz as f64 / RATE as f64 + 0.25);
        Self { feedback: [2.0 * Self::R * cosine, -Self::R * Self::R], before: [0.0; 2] }
    }

    fn next(&mut self, x: f64) -> f64 {
        let [one, two] = self.before;
        let y = (1.0 - Self::R) * x + self.feedback[0] * one + self.feedback[1] * two;
        self.before = [y, one];
        y
    }
}

/// From −1 to 1.
fn noise(dice: &mut Dice) -> f64 {
    2.0 * fraction(dice) - 1.0
}

/// From 0 to 1.
fn fraction(dice: &mut Dice) -> f64 {
    dice.below(1 << 20) as f64 / (1 << 20) as f64
}

/// The sine of an angle in turns, by its Taylor series around the nearest quarter turn.
pub(crate) fn sine(turns: f64) -> f64 {
    let turn = turns - turns.floor();
    // sin(π/2 + x) and sin(−x) give all of a turn from its first quarter.
    let (turn, sign) = if turn < 0.5 { (turn, 1.0) } else { (turn - 0.5, -1.0) };
    let turn = if turn < 0.25 { turn } else { 0.5 - turn };
    let x = turn * std::f64::consts::TAU;
    let square = x * x;
    let series = [5.0, 4.0, 3.0, 2.0, 1.0]
        .iter()
        .fold(1.0, |rest, k| 1.0 - square / (2.0 * k * (2.0 * k + 1.0)) * rest);
    sign * x * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_is_a_sine() {
        for at in -40..40 {
            let turns = f64::from(at) / 17.0;
            let wanted = (turns * std::f64::consts::TAU).sin();
            assert!((sine(turns) - wanted).abs() < 1e-6, "{turns}");
        }
    }
}
