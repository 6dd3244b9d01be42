//! The desk over a journal: the same views, with time in the reader's hands.

use std::time::Duration;

use super::{Desk, FRAME_MS, Left, Session};
use crate::{
    journal::JournalError,
    tui::{
        replay::{Player, SeekProgress},
        terminal::Terminal,
        view::{DeskMode, Effect, Message, Playing, Seek, SpeedChange},
    },
};

/// Events that are told between two looks at the keys: some 20 ms of work.
const EVENTS_AT_ONCE: usize = 5_000;

/// How long keys are waited for while there is something to be told: an Esc is told from the start of
/// a longer sequence by the silence after it.
const GLANCE: Duration = Duration::from_millis(5);

/// Replays a journal until it is left, or until a signal has asked for the end.
pub fn replay(
    terminal: &mut Terminal,
    sitting: Session,
    player: &mut Player,
    interrupted: &dyn Fn() -> bool,
) -> Result<Left, JournalError> {
    let now_ms = sitting.now_ms;
    let mut desk =
        Desk::new(sitting, DeskMode::Replay(playing(player, SeekProgress::There)), terminal);
    let mut then_ms = now_ms();
    // How many events had been told when the next one was looked for.
    let mut looked_for: Option<u64> = None;
    while !interrupted() {
        let now = now_ms();
        let before = (player.told().to_bits(), player.run().at_ms);
        let progress = player.advance(now - then_ms, EVENTS_AT_ONCE)?;
        if progress == SeekProgress::There && looked_for.take() == Some(player.n_events()) {
            desk.view.message = Some(Message::Refused("no later event".to_owned()));
            desk.changed = true;
        }
        // There is nothing more to play.
        if player.is_at_end() && player.run().ended.is_some() {
            player.pause();
        }
        then_ms = now;
        let mode = DeskMode::Replay(playing(player, progress));
        desk.changed |=
            mode != desk.view.mode || before != (player.told().to_bits(), player.run().at_ms);
        desk.view.mode = mode;
        desk.draw(terminal, player.run());
        // While there is something to be told, keys are only glanced at.
        let is_busy = progress != SeekProgress::There;
        let most = if is_busy { GLANCE } else { Duration::from_millis(FRAME_MS) };
        let effects = match desk.listen(terminal, player.run(), most) {
            Ok(effects) => effects,
            Err(left) => return Ok(left),
        };
        for effect in effects {
            match desk.perform(effect, terminal) {
                Some(Effect::Leave) => return Ok(Left::Done),
                Some(Effect::Play) => player.toggle()?,
                Some(Effect::Speed(SpeedChange::Up)) => player.set_speed(player.speed().faster()),
                Some(Effect::Speed(SpeedChange::Down)) => player.set_speed(player.speed().slower()),
                Some(Effect::Seek(place)) => {
                    looked_for = (place == Seek::NextEvent).then(|| player.n_events());
                    if !seek(player, place)? {
                        let text = "no earlier event".to_owned();
                        desk.view.message = Some(Message::Refused(text));
                    }
                }
                // Pending are for a run that trains.
                Some(_) | None => {}
            }
        }
    }
    Ok(Left::Done)
}

/// How a replay goes, for the header.
fn playing(player: &Player, progress: SeekProgress) -> Playing {
    let seeking = match progress {
        SeekProgress::OnTheWay { done, all } if player.is_seeking() => {
            Some((done as f64 / all.max(1) as f64) as f32)
        }
        _ => None,
    };
    Playing { playing: player.is_playing(), speed: player.speed().times(), seeking }
}

/// Whether there is such a place.
fn seek(player: &mut Player, place: Seek) -> Result<bool, JournalError> {
    match place {
        Seek::Start => player.seek_start()?,
        Seek::End => player.seek_end()?,
        Seek::By(by) if by < 0 => player.step_back(by.unsigned_abs())?,
        Seek::By(by) => player.step_forward(by.unsigned_abs())?,
        Seek::To(step) => player.seek_step(step)?,
        Seek::PreviousEvent => {
            let here = player.run().step;
            let earlier = player.run().log.iter().map(|entry| entry.event.step());
            match earlier.filter(|step| *step < here).max() {
                Some(step) => player.seek_step(step)?,
                None => return Ok(false),
            }
        }
        Seek::NextEvent => player.seek_event()?,
    }
    Ok(true)
}
