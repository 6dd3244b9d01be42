//! Mouse events in the one encoding that is requested: `CSI < button ; column ; row`, then `M` or
//! `m`.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

/// Decodes one event; `last` is `m` for the release of a button.
pub(super) fn read(numbers: &[u32], last: u8) -> Option<MouseEvent> {
    let &[code, column, row] = numbers else { return None };
    let button = match code & 0b11 {
        0 => Some(MouseButton::Left),
        1 => Some(MouseButton::Middle),
        2 => Some(MouseButton::Right),
        _ => None,
    };
    let (is_wheel, is_motion) = (code & 0b1100_0000 == 64, code & 32 != 0);
    let kind = match (last, button) {
        (b'M', _) if is_wheel => match code & 0b11 {
            0 => MouseEventKind::ScrollUp,
            1 => MouseEventKind::ScrollDown,
            2 => MouseEventKind::ScrollLeft,
            _ => MouseEventKind::ScrollRight,
        },
        // Buttons beyond the third.
        _ if code & 0b1100_0000 != 0 => return None,
        (b'M', Some(button)) if is_motion => MouseEventKind::Drag(button),
        (b'M', None) if is_motion => MouseEventKind::Moved,
        (b'M', Some(button)) => MouseEventKind::Down(button),
        (b'm', Some(button)) => MouseEventKind::Up(button),
        _ => return None,
    };
    let held = [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)];
    let held = held.into_iter().filter(|(bit, _)| code & bit != 0);
    // Coordinates count from one there.
    let place = |number: u32| u16::try_from(number).ok()?.checked_sub(1);
    Some(MouseEvent {
        kind,
        column: place(column)?,
        row: place(row)?,
        modifiers: held.map(|(_, modifier)| modifier).collect(),
    })
}
