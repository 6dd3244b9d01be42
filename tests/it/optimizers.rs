//! Optimizers against the formulas of their papers, in f64.

use auxdesk::{
    data::{Purpose, draw},
    model::Parameters,
    recipe::{OptimizerConfig as Kind, optimizer::Moments},
    train::{Gradients, Optimizer},
};
use candle_core::{Device, Tensor};
use rand::Rng;

use crate::tiny::{Size, bits, names, numbers, shipped_tiny};

const MOMENTS: Moments = Moments { beta1: 0.8, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1 };

/// Every optimizer, with all of its options.
const KINDS: &[Kind] = &[
    Kind::Sgd { momentum: 0.9, weight_decay: 0.1 },
    Kind::Adam(MOMENTS),
    Kind::AdamW(MOMENTS),
    Kind::AdaDelta { rho: 0.9, epsilon: 1e-6, weight_decay: 0.1 },
    Kind::RmsProp { alpha: 0.9, epsilon: 1e-8, momentum: 0.5, weight_decay: 0.1 },
];

/// The update of a scalar according to PyTorch's documentation.
#[derive(Clone, Copy, Default)]
struct Plain {
    t: i32,
    a: f64,
    b: f64,
}

impl Plain {
    fn step(&mut self, kind: Kind, x: f64, g: f64, rate: f64) -> f64 {
        self.t += 1;
        let mut adam = |g: f64, moments: Moments| {
            self.a = moments.beta1 * self.a + (1.0 - moments.beta1) * g;
            self.b = moments.beta2 * self.b + (1.0 - moments.beta2) * g * g;
            let first = self.a / (1.0 - moments.beta1.powi(self.t));
            let second = self.b / (1.0 - moments.beta2.powi(self.t));
            rate * first / (second.sqrt() + moments.epsilon)
        };
        match kind {
            Kind::Sgd { momentum, weight_decay } => {
                let g = g + weight_decay * x;
                self.a = if self.t == 1 { g } else { momentum * self.a + g };
                x - rate * self.a
            }
            Kind::Adam(moments) => x - adam(g + moments.weight_decay * x, moments),
            Kind::AdamW(moments) => {
                let x = x - rate * moments.weight_decay * x;
                x - adam(g, moments)
            }
            Kind::AdaDelta { rho, epsilon, weight_decay } => {
                let g = g + weight_decay * x;
                self.a = rho * self.a + (1.0 - rho) * g * g;
                let step = (self.b + epsilon).sqrt() / (self.a + epsilon).sqrt() * g;
                self.b = rho * self.b + (1.0 - rho) * step * step;
                x - rate * step
            }
            Kind::RmsProp { alpha, epsilon, momentum, weight_decay } => {
                let g = g + weight_decay * x;
                self.a = alpha * self.a + (1.0 - alpha) * g * g;
                self.b = momentum * self.b + g / (self.a.sqrt() + epsilon);
                x - rate * self.b
            }
        }
    }
}

fn random(name: &str, counter: u64, n: usize) -> Vec<f32> {
    let mut rng = draw(7, Purpose::Init, name, counter);
    (0..n).map(|_| 2.0 * rng.random::<f32>() - 1.0).collect()
}

/// Two parameters; the second has a gradient only if requested.
struct Two {
    parameters: Parameters,
    a: Tensor,
    b: Tensor,
}

const SHAPES: [[usize; 2]; 2] = [[5, 7], [3, 4]];

impl Two {
    fn new() -> Self {
        let mut parameters = Parameters::new(1, &Device::Cpu).unwrap();
        let a = parameters.scope("a").uniform("x", &SHAPES[0], 1.0).unwrap();
        let b = parameters.scope("b").uniform("x", &SHAPES[1], 1.0).unwrap();
        let [a, b] = [a, b].map(|weight| weight.var().as_tensor().clone());
        Self { parameters, a, b }
    }

    /// Gradients equal to these random values: those of Σ c·x.
    fn gradients(&self, step: u64, both: bool) -> Gradients {
        let part = |x: &Tensor, name: &str| {
            let c = random(name, step, x.elem_count());
            let c = Tensor::from_vec(c, x.shape(), &Device::Cpu).unwrap();
            (x * c).unwrap().sum_all().unwrap()
        };
        let loss = part(&self.a, "a");
        let loss = if both { (loss + part(&self.b, "b")).unwrap() } else { loss };
        Gradients::of(&loss, &self.parameters).unwrap()
    }
}

#[test]
fn five_steps_of_every_optimizer_follow_its_formula() {
    let (rate, scale) = (0.05, 0.5);
    for &kind in KINDS {
        let two = Two::new();
        let mut optimizer = Optimizer::new(kind, &two.parameters);
        let mut plain: Vec<(f64, Plain)> =
            numbers(&two.a).iter().map(|x| (f64::from(*x), Plain::default())).collect();
        for step in 0..5 {
            let gradients = two.gradients(step, true);
            optimizer.step(&two.parameters, &gradients, scale, |_| rate).unwrap();
            let all = random("a", step, plain.len());
            for ((x, plain), g) in plain.iter_mut().zip(all) {
                *x = plain.step(kind, *x, f64::from(g * scale), rate);
            }
            for (found, (wanted, _)) in numbers(&two.a).iter().zip(&plain) {
                let off = (f64::from(*found) - wanted).abs();
                assert!(off < 1e-5, "{kind:?}, step {step}: {found}, expected {wanted}");
            }
        }
    }
}

#[test]
fn a_parameter_without_gradient_keeps_value_moments_and_count_bit_for_bit() {
    for &kind in KINDS {
        let two = Two::new();
        let mut optimizer = Optimizer::new(kind, &two.parameters);
        for step in 0..2 {
            optimizer.step(&two.parameters, &two.gradients(step, true), 1.0, |_| 0.05).unwrap();
        }
        let memory = |optimizer: &Optimizer| {
            let moments = optimizer.moments(&two.parameters);
            let of_b = moments.filter(|(name, ..)| name.starts_with("b.x."));
            let of_b: Vec<_> = of_b
                .map(|(name, values, _)| {
                    (name, values.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
                })
                .collect();
            assert_eq!(of_b.len(), 2);
            (bits(&two.b), of_b, optimizer.counts(&two.parameters)["b.x"])
        };
        let before = memory(&optimizer);
        for step in 2..7 {
            optimizer.step(&two.parameters, &two.gradients(step, false), 1.0, |_| 0.05).unwrap();
        }
        assert_eq!(memory(&optimizer), before, "{kind:?}");
        assert_eq!(optimizer.counts(&two.parameters)["a.x"], 7);
        assert_eq!(before.2, 2);

        // Its next step is its third, whatever the other one did.
        let without = Two::new();
        let mut third = Optimizer::new(kind, &without.parameters);
        for step in [0, 1, 9] {
            third.step(&without.parameters, &without.gradients(step, true), 1.0, |_| 0.05).unwrap();
        }
        optimizer.step(&two.parameters, &two.gradients(9, true), 1.0, |_| 0.05).unwrap();
        assert_eq!(bits(&two.b), bits(&without.b), "{kind:?}");
    }
}

#[test]
fn every_optimizer_minimizes_a_quadratic() {
    let rates = [0.01, 0.05, 0.05, 10.0, 0.01];
    for (&kind, rate) in KINDS.iter().zip(rates) {
        let two = Two::new();
        let mut optimizer = Optimizer::new(kind, &two.parameters);
        let loss = || (&two.a - 2.0).unwrap().sqr().unwrap().sum_all().unwrap();
        let first = numbers(&loss())[0];
        for _ in 0..60 {
            let gradients = Gradients::of(&loss(), &two.parameters).unwrap();
            optimizer.step(&two.parameters, &gradients, 1.0, |_| rate).unwrap();
        }
        let last = numbers(&loss())[0];
        assert!(last < 0.2 * first, "{kind:?}: from {first} to {last}");
    }
}

/// With plain SGD at learning rate 1 the length of a step is the norm of the applied gradient.
#[test]
fn a_clipped_step_has_the_maximum_norm_and_the_reported_norm_is_unclipped() {
    for name in names() {
        let step_length = |clip: &str| {
            let sets = ["optimizer=sgd", "learning_rate=1", "steps=1", clip];
            let sets: Vec<String> = sets.iter().map(|set| format!("train.{set}")).collect();
            let sets: Vec<String> = sets.into_iter().filter(|set| set != "train.steps=1").collect();
            let mut tiny = shipped_tiny(name, Size { width: 4, examples: 4 }, &sets);
            tiny.recipe.train.length = auxdesk::recipe::Length::Steps(1);
            let before = tiny.system();
            let run = tiny.train(&[]);
            let after = run.tensors("last", "model.safetensors");
            let mut sum = 0.0;
            for parameter in before.parameters().all() {
                let (_, after) = after.iter().find(|(name, _)| *name == parameter.name).unwrap();
                for (x, y) in numbers(&parameter.var).into_iter().zip(after) {
                    sum += f64::from(x - f32::from_bits(*y)).powi(2);
                }
            }
            (sum.sqrt(), f64::from(run.steps()[0].gradient_norm))
        };
        let (free, norm) = step_length("clip_norm=1000");
        assert!((free - norm).abs() < 1e-4 * norm, "{name}: {free}, norm {norm}");
        let (clipped, reported) = step_length("clip_norm=0.05");
        assert!(norm > 0.05, "{name}: {norm}");
        assert!((clipped - 0.05).abs() < 1e-5, "{name}: {clipped}");
        assert_eq!(reported, norm, "{name}: norm before clipping");
    }
}
