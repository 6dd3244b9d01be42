//! Scenes, and the frames in which they are seen. All numbers are integers, so that they are equal on every machine.

use crate::dice::Dice;

/// Frames of a scene.
pub(crate) const N_FRAMES: usize = 6;

/// Features of a frame.
pub(crate) const N_FEATURES: usize = 32;

/// Those of them that depend on the motion since the frame before, as of an optical flow; they come first.
const N_FLOWS: usize = 6;

/// Those that depend on places only, which come next.
const N_PLACES: usize = 6;

/// Rows and columns of the grid.
const SIZE: i32 = 12;

/// Forms, the most frequent first.
pub(crate) const FORMS: [&str; 30] = [
    "circle", "square", "star", "triangle", "ring", "cross", "heart", "arrow", "diamond", "moon",
    "leaf", "bell", "key", "kite", "crown", "spiral", "shield", "anchor", "oval", "flag", "cone",
    "drum", "comb", "hook", "vase", "lens", "clover", "crescent", "hexagon", "teardrop",
];

/// Colors, the most frequent first.
pub(crate) const COLORS: [&str; 20] = [
    "red", "blue", "green", "yellow", "white", "black", "grey", "orange", "pink", "purple",
    "brown", "teal", "crimson", "amber", "violet", "olive", "ivory", "navy", "coral", "lilac",
];

/// A shape, by its form and color.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) form: usize,
    pub(crate) color: usize,
}

/// What the first shape does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It moves by so many half cells between two frames.
    Moves(Direction, i32),
    /// It moves, and back again after half of the frames.
    TurnsBack(Direction),
    Stays,
    Trembles,
    Appears,
    Vanishes,
}

/// The direction of a motion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Left,
    Right,
    Up,
    Down,
}

impl Direction {
    /// Columns to the right, and rows down.
    fn step(self) -> (i32, i32) {
        match self {
            Self::Left => (-1, 0),
            Self::Right => (1, 0),
            Self::Up => (0, -1),
            Self::Down => (0, 1),
        }
    }
}

/// Where the second shape is, from the first one or from its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Above,
    Below,
    Left,
    Right,
    /// The first shape passes it.
    Past,
    Towards,
    Away,
}

/// A scene.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) shape: Shape,
    pub(crate) event: Event,
    /// The second shape, and where it is.
    pub(crate) other: Option<(Shape, Place)>,
    /// The column and the row of the first shape in each frame in which it is there.
    way: Vec<Option<(i32, i32)>>,
    other_at: (i32, i32),
}

impl Scene {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let (shape, event) = (Shape::draw(dice), draw_event(dice));
        let second = dice.chance(60).then(|| Shape::draw(dice)).filter(|second| *second != shape);
        let mut place = || (dice.below(SIZE as usize) as i32, dice.below(SIZE as usize) as i32);
        let is_inside = |&(x, y): &(i32, i32)| (0..SIZE).contains(&x) && (0..SIZE).contains(&y);
        // Places at which all of it can be seen, and said.
        loop {
            let (way, other_at) = (way(event, place()), place());
            let relation = relation(event, &way, other_at);
            if way.iter().flatten().all(is_inside) && (second.is_none() || relation.is_some()) {
                return Self { shape, event, other: second.zip(relation), way, other_at };
            }
        }
    }
}

impl Shape {
    fn draw(dice: &mut Dice) -> Self {
        let (forms, colors): (Vec<_>, Vec<_>) =
            ((0..FORMS.len()).collect(), (0..COLORS.len()).collect());
        Self { form: *dice.zipf(&forms), color: *dice.zipf(&colors) }
    }
}

fn draw_event(dice: &mut Dice) -> Event {
    let directions = [Direction::Left, Direction::Right, Direction::Up, Direction::Down];
    let direction = directions[dice.below(4)];
    match dice.weighted(&[28, 16, 12, 14, 12, 8, 5, 5]) {
        0 => Event::Moves(direction, 2),
        1 => Event::Moves(direction, 4),
        2 => Event::Moves(direction, 1),
        3 => Event::Stays,
        4 => Event::TurnsBack(direction),
        5 => Event::Trembles,
        6 => Event::Appears,
        _ => Event::Vanishes,
    }
}

/// The places of a shape that starts at one.
fn way(event: Event, (x, y): (i32, i32)) -> Vec<Option<(i32, i32)>> {
    let half = N_FRAMES as i32 / 2;
    let along = |direction: Direction, n: i32| {
        let (dx, dy) = direction.step();
        Some((x + n * dx, y + n * dy))
    };
    let place = |t: i32| match event {
        Event::Moves(direction, halves) => along(direction, t * halves / 2),
        Event::TurnsBack(direction) => along(direction, 2 * t.min(N_FRAMES as i32 - 1 - t)),
        Event::Stays => Some((x, y)),
        Event::Trembles => Some((x + t % 2, y)),
        Event::Appears => (t >= half).then_some((x, y)),
        Event::Vanishes => (t < half).then_some((x, y)),
    };
    (0..N_FRAMES as i32).map(place).collect()
}

/// Where another shape is, if that can be said: a motion passes it only two cells away or less.
fn relation(event: Event, way: &[Option<(i32, i32)>], other: (i32, i32)) -> Option<Place> {
    let mut places = way.iter().flatten();
    let &start = places.next()?;
    let &end = places.last().unwrap_or(&start);
    if let Event::Moves(direction, _) = event {
        let (dx, dy) = direction.step();
        let along = |(x, y): (i32, i32)| x * dx + y * dy;
        let across = |(x, y): (i32, i32)| x * dy + y * dx;
        if (across(other) - across(start)).abs() > 2 {
            return None;
        }
        let (from, to, there) = (along(start), along(end), along(other));
        return match there {
            there if there < from - 1 => Some(Place::Away),
            there if there > to + 1 => Some(Place::Towards),
            there if there > from + 1 && there < to - 1 => Some(Place::Past),
            _ => None,
        };
    }
    let (right, down) = (other.0 - start.0, other.1 - start.1);
    match (right.abs(), down.abs()) {
        (x, y) if y > 2 * x && y > 1 => Some(if down > 0 { Place::Above } else { Place::Below }),
        (x, y) if x > 2 * y && x > 1 => Some(if right > 0 { Place::Left } else { Place::Right }),
        _ => None,
    }
}

/// How scenes are seen: the features of forms and colors, and how places weigh them.
pub(crate) struct Senses {
    forms: Vec<[i32; N_FEATURES]>,
    colors: Vec<[i32; N_FEATURES]>,
    /// By which each column to the right and each row down changes the weight of a feature.
    slopes: [(i32, i32); N_FEATURES],
}

impl Senses {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let mut features = |n: usize| {
            let mut vector = || std::array::from_fn(|_| dice.below(49) as i32 - 24);
            (0..n).map(|_| vector()).collect()
        };
        let (forms, colors) = (features(FORMS.len()), features(COLORS.len()));
        let slopes = std::array::from_fn(|_| (dice.below(7) as i32 - 3, dice.below(7) as i32 - 3));
        Self { forms, colors, slopes }
    }

    /// The features of each frame, one after the other, with noise.
    pub(crate) fn frames(&self, scene: &Scene, dice: &mut Dice) -> Vec<u8> {
        let other = scene.other.map(|(shape, _)| (shape, scene.other_at));
        let mut features = Vec::with_capacity(N_FRAMES * N_FEATURES);
        for (t, place) in scene.way.iter().enumerate() {
            let shapes: Vec<(Shape, (i32, i32))> =
                place.map(|at| (scene.shape, at)).into_iter().chain(other).collect();
            let before = scene.way[t.saturating_sub(1)].or(*place);
            let (dx, dy) = place.zip(before).map_or((0, 0), |(at, it)| (at.0 - it.0, at.1 - it.1));
            for k in 0..N_FEATURES {
                let noise = dice.below(5) as i32 - 2;
                if k < N_FLOWS {
                    let (right, down) = self.slopes[k];
                    features.push((128 + 8 * (right * dx + down * dy) + noise) as u8);
                    continue;
                }
                let feature = |(shape, (x, y)): &(Shape, (i32, i32))| {
                    let (right, down) = self.slopes[k];
                    // Places count from the middle, in half cells.
                    let place = right * (2 * x - SIZE + 1) + down * (2 * y - SIZE + 1);
                    if k < N_FLOWS + N_PLACES {
                        return place;
                    }
                    (self.forms[shape.form][k] + self.colors[shape.color][k]) * (96 + place) / 96
                };
                let sum: i32 = shapes.iter().map(feature).sum();
                features.push((128 + sum + noise).clamp(0, 255) as u8);
            }
        }
        features
    }
}
