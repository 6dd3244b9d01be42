//! What is said about a scene.

use super::world::{COLORS, Direction, Event, FORMS, Place, Scene, Shape};

/// What happens in a scene, in a sentence.
pub(crate) fn caption(scene: &Scene) -> String {
    let mut said = format!("the {} {}", name(scene.shape), verb(scene.event));
    if let Some((other, place)) = scene.other {
        said += &format!(" {} the {}", preposition(place), name(other));
    }
    said
}

/// The words for what is seen: colors and forms, and what happens.
pub(crate) fn seen(scene: &Scene) -> String {
    let other = scene.other.map(|(other, _)| format!(" {}", name(other)));
    format!("{} {}{}", name(scene.shape), verb(scene.event), other.unwrap_or_default())
}

/// The scene in more words, from which its caption follows.
pub(crate) fn report(scene: &Scene) -> String {
    let shape = name(scene.shape);
    let happens = match scene.event {
        Event::Moves(direction, speed) => {
            let manner = match speed {
                1 => "very slowly",
                2 => "at its own pace",
                _ => "as fast as it can",
            };
            format!("it goes {} {manner}", to(direction))
        }
        Event::TurnsBack(direction) => {
            format!("it goes {} , and then all the way home", to(direction))
        }
        Event::Stays => "it keeps its place from first to last".to_owned(),
        Event::Trembles => "it shakes from side to side".to_owned(),
        Event::Appears => "it is not there at first , and then it is".to_owned(),
        Event::Vanishes => "it is there at first , and then it is not".to_owned(),
    };
    let Some((other, place)) = scene.other else {
        return format!("here is one {shape} , alone , and {happens}");
    };
    let other = name(other);
    let place = match place {
        Place::Above => "it is higher than the other",
        Place::Below => "it is lower than the other",
        Place::Left => "the other is on its right",
        Place::Right => "the other is on its left",
        Place::Past => "the other is halfway",
        Place::Towards => "the other waits further on",
        Place::Away => "the other stays behind",
    };
    format!("here are one {shape} and one {other} : of the first , {happens} , and {place}")
}

fn name(shape: Shape) -> String {
    format!("{} {}", COLORS[shape.color], FORMS[shape.form])
}

fn verb(event: Event) -> String {
    match event {
        Event::Moves(direction, speed) => {
            let verb = match speed {
                1 => "creeps",
                2 => "moves",
                _ => "rushes",
            };
            format!("{verb} {}", way(direction))
        }
        Event::TurnsBack(direction) => format!("goes {} and turns back", way(direction)),
        Event::Stays => "hovers".to_owned(),
        Event::Trembles => "trembles".to_owned(),
        Event::Appears => "appears".to_owned(),
        Event::Vanishes => "vanishes".to_owned(),
    }
}

fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Left => "left",
        Direction::Right => "right",
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

fn to(direction: Direction) -> &'static str {
    match direction {
        Direction::Left => "to the left",
        Direction::Right => "to the right",
        Direction::Up => "to the top",
        Direction::Down => "to the bottom",
    }
}

fn preposition(place: Place) -> &'static str {
    match place {
        Place::Above => "above",
        Place::Below => "below",
        Place::Left => "left of",
        Place::Right => "right of",
        Place::Past => "past",
        Place::Towards => "towards",
        Place::Away => "away from",
    }
}
