//! Characters that are drawn as shapes, so that lines meet and dots stand where they do in a terminal,
//! whatever font a reader has: boxes, blocks, braille, and the marks and arrows that fonts lack.
//!
//! A cell is [`WIDTH`] by [`HEIGHT`] units, with its origin at the top left.

/// Units of a cell across.
pub(crate) const WIDTH: f32 = 10.0;

/// Units of a cell down.
pub(crate) const HEIGHT: f32 = 20.0;

const MIDDLE: f32 = WIDTH / 2.0;
const CENTRE: f32 = HEIGHT / 2.0;

/// A part of what a character looks like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Left, top, right, bottom.
    Rect([f32; 4]),
    /// A braille dot's centre.
    Dot([f32; 2]),
    /// Corners.
    Polygon(&'static [[f32; 2]]),
    /// A disc in the middle of the cell.
    Disc,
    /// A ring in the middle of the cell.
    Ring,
}

/// What a character looks like, if it is one that is drawn.
pub(crate) fn shapes(c: char) -> Option<Vec<Shape>> {
    match c {
        '\u{2800}'..='\u{28ff}' => Some(braille(c)),
        '\u{2580}'..='\u{259f}' => block(c),
        _ => mark(c).or_else(|| lines(c)),
    }
}

/// Bits 0 to 2 are the left column's upper dots, 3 to 5 the right one's, 6 and 7 the lowest row.
fn braille(c: char) -> Vec<Shape> {
    const DOTS: [[u8; 2]; 8] = [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2], [0, 3], [1, 3]];
    let bits = c as u32 - 0x2800;
    let dot = |[column, row]: [u8; 2]| {
        Shape::Dot([2.5 + 5.0 * f32::from(column), 2.5 + 5.0 * f32::from(row)])
    };
    DOTS.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, at)| dot(*at)).collect()
}

fn block(c: char) -> Option<Vec<Shape>> {
    let part = |from: char| (c as u32 - from as u32) as f32 / 8.0;
    let rect = |left, top, right, bottom| {
        vec![Shape::Rect([left * WIDTH, top * HEIGHT, right * WIDTH, bottom * HEIGHT])]
    };
    Some(match c {
        '▀' => rect(0.0, 0.0, 1.0, 0.5),
        '▁'..='█' => rect(0.0, 1.0 - part('▀'), 1.0, 1.0),
        '▉'..='▏' => rect(0.0, 0.0, 1.0 - part('█'), 1.0),
        '▐' => rect(0.5, 0.0, 1.0, 1.0),
        _ => return None,
    })
}

fn mark(c: char) -> Option<Vec<Shape>> {
    Some(vec![match c {
        '●' => Shape::Disc,
        '○' => Shape::Ring,
        '■' => Shape::Rect([1.5, 6.5, 8.5, 13.5]),
        '▲' => Shape::Polygon(&[[5.0, 5.5], [9.2, 13.5], [0.8, 13.5]]),
        '▼' => Shape::Polygon(&[[5.0, 14.5], [0.8, 6.5], [9.2, 6.5]]),
        '►' => Shape::Polygon(&[[1.0, 5.5], [9.2, 10.0], [1.0, 14.5]]),
        '◄' => Shape::Polygon(&[[9.0, 5.5], [9.0, 14.5], [0.8, 10.0]]),
        '◆' | '♦' => Shape::Polygon(&[[5.0, 4.8], [9.2, 10.0], [5.0, 15.2], [0.8, 10.0]]),
        '↑' => Shape::Polygon(&[
            [5.0, 4.5],
            [8.6, 9.0],
            [5.7, 8.0],
            [5.7, 15.5],
            [4.3, 15.5],
            [4.3, 8.0],
            [1.4, 9.0],
        ]),
        '↓' => Shape::Polygon(&[
            [5.0, 15.5],
            [1.4, 11.0],
            [4.3, 12.0],
            [4.3, 4.5],
            [5.7, 4.5],
            [5.7, 12.0],
            [8.6, 11.0],
        ]),
        '←' => Shape::Polygon(&[
            [0.4, 10.0],
            [4.2, 6.4],
            [3.4, 9.3],
            [9.6, 9.3],
            [9.6, 10.7],
            [3.4, 10.7],
            [4.2, 13.6],
        ]),
        '→' => Shape::Polygon(&[
            [9.6, 10.0],
            [5.8, 13.6],
            [6.6, 10.7],
            [0.4, 10.7],
            [0.4, 9.3],
            [6.6, 9.3],
            [5.8, 6.4],
        ]),
        _ => return None,
    }])
}

/// How an arm of a box character is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arm {
    None,
    Light,
    Heavy,
    Double,
}

/// Half of a line's width, and half of the way between the two lines of a double one.
const LIGHT: f32 = 0.6;
const HEAVY: f32 = 1.4;
const APART: f32 = 1.8;

/// Box characters with their arms to the left, to the right, up and down: `-` none, `l` light, `h`
/// heavy, `d` double.
const BOXES: &[(char, &str)] = &[
    ('─', "ll--"),
    ('━', "hh--"),
    ('│', "--ll"),
    ('┃', "--hh"),
    ('┌', "-l-l"),
    ('┐', "l--l"),
    ('└', "-ll-"),
    ('┘', "l-l-"),
    ('├', "-lll"),
    ('┤', "l-ll"),
    ('┬', "ll-l"),
    ('┴', "lll-"),
    ('┼', "llll"),
    ('┏', "-h-h"),
    ('┓', "h--h"),
    ('┗', "-hh-"),
    ('┛', "h-h-"),
    ('┣', "-hhh"),
    ('┫', "h-hh"),
    ('┳', "hh-h"),
    ('┻', "hhh-"),
    ('╋', "hhhh"),
    ('═', "dd--"),
    ('║', "--dd"),
    ('╔', "-d-d"),
    ('╗', "d--d"),
    ('╚', "-dd-"),
    ('╝', "d-d-"),
];

fn lines(c: char) -> Option<Vec<Shape>> {
    if let '┆' | '┊' = c {
        let n_dashes = if c == '┆' { 3 } else { 4 };
        let pitch = HEIGHT / n_dashes as f32;
        let dash = |at: i32| {
            let top = pitch * (at as f32 + 0.2);
            Shape::Rect([MIDDLE - LIGHT, top, MIDDLE + LIGHT, top + pitch * 0.6])
        };
        return Some((0..n_dashes).map(dash).collect());
    }
    let (_, arms) = BOXES.iter().find(|(other, _)| *other == c)?;
    let arm = |place: usize| match arms.as_bytes()[place] {
        b'l' => Arm::Light,
        b'h' => Arm::Heavy,
        b'd' => Arm::Double,
        _ => Arm::None,
    };
    let [left, right, up, down] = [arm(0), arm(1), arm(2), arm(3)];
    let mut shapes = Vec::new();
    // A line that goes through is one shape; where it ends, it ends with the line that it meets.
    let across = reach(up).max(reach(down));
    let along = reach(left).max(reach(right));
    for (from, to, arm) in spans(left, right, MIDDLE, across, WIDTH) {
        for (at, half) in strokes(arm) {
            shapes.push(Shape::Rect([from, CENTRE + at - half, to, CENTRE + at + half]));
        }
    }
    for (from, to, arm) in spans(up, down, CENTRE, along, HEIGHT) {
        for (at, half) in strokes(arm) {
            shapes.push(Shape::Rect([MIDDLE + at - half, from, MIDDLE + at + half, to]));
        }
    }
    Some(shapes)
}

/// The ways of two arms that face each other: one where they are alike, else each its own.
fn spans(first: Arm, second: Arm, middle: f32, reach: f32, end: f32) -> Vec<(f32, f32, Arm)> {
    if first == second {
        return if first == Arm::None { Vec::new() } else { vec![(0.0, end, first)] };
    }
    let both = [(0.0, middle + reach, first), (middle - reach, end, second)];
    both.into_iter().filter(|(.., arm)| *arm != Arm::None).collect()
}

/// How far an arm's lines are from its middle, at their outer edge.
fn reach(arm: Arm) -> f32 {
    strokes(arm).iter().map(|(at, half)| at + half).fold(0.0, f32::max)
}

/// The lines of an arm: how far from its middle, and half as wide as they are.
fn strokes(arm: Arm) -> &'static [(f32, f32)] {
    match arm {
        Arm::None => &[],
        Arm::Light => &[(0.0, LIGHT)],
        Arm::Heavy => &[(0.0, HEAVY)],
        Arm::Double => &[(-APART, LIGHT), (APART, LIGHT)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_braille_dot_stands_where_its_bit_says() {
        assert_eq!(shapes('⠀'), Some(vec![]));
        assert_eq!(shapes('⠁'), Some(vec![Shape::Dot([2.5, 2.5])]));
        assert_eq!(shapes('⢀'), Some(vec![Shape::Dot([7.5, 17.5])]));
        assert_eq!(shapes('⣿').map(|dots| dots.len()), Some(8));
    }

    #[test]
    fn eighths_grow_from_the_bottom_and_from_the_left() {
        let rect = |c| match shapes(c).as_deref() {
            Some([Shape::Rect(rect)]) => *rect,
            other => panic!("{c}: {other:?}"),
        };
        assert_eq!(rect('▁'), [0.0, 17.5, 10.0, 20.0]);
        assert_eq!(rect('▄'), [0.0, 10.0, 10.0, 20.0]);
        assert_eq!(rect('█'), [0.0, 0.0, 10.0, 20.0]);
        assert_eq!(rect('▏'), [0.0, 0.0, 1.25, 20.0]);
        assert_eq!(rect('▌'), [0.0, 0.0, 5.0, 20.0]);
        assert_eq!(rect('▉'), [0.0, 0.0, 8.75, 20.0]);
    }

    #[test]
    fn a_corner_has_no_gap_and_nothing_beyond_it() {
        let wanted = vec![Shape::Rect([4.4, 9.4, 10.0, 10.6]), Shape::Rect([4.4, 9.4, 5.6, 20.0])];
        assert_eq!(shapes('┌'), Some(wanted));
        let wanted = vec![Shape::Rect([0.0, 8.6, 10.0, 11.4])];
        assert_eq!(shapes('━'), Some(wanted));
    }

    #[test]
    fn letters_are_not_drawn() {
        assert!(['a', '–', '…', '·', '¶', '×', '漢'].iter().all(|c| shapes(*c).is_none()));
    }
}
