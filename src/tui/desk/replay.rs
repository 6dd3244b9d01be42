//! The desk over a journal: the same views, with playback controls.

use std::time::Duration;

use super::{Desk, DeskExit, FRAME_MS, Session};
use crate::{
    journal::JournalError,
    tui::{
        replay::{Player, SeekProgress},
        terminal::Terminal,
        view::{DeskMode, Effect, Message, Playing, Scrub, Seek, SpeedChange},
    },
};

/// Events applied between two checks of the keyboard: about 20 ms of work.
const EVENTS_AT_ONCE: usize = 5_000;

/// The wait for keys while there are events to apply: an Esc is distinguished from the start of a
/// longer sequence by the pause after it.
const KEY_WAIT: Duration = Duration::from_millis(5);

/// Replays a journal until the user quits or a signal requests the end.
pub fn replay(
    terminal: &mut Terminal,
    session: Session,
    player: &mut Player,
    interrupted: &dyn Fn() -> bool,
) -> Result<DeskExit, JournalError> {
    let now_ms = session.now_ms;
    let mut desk =
        Desk::new(session, DeskMode::Replay(playing(player, SeekProgress::Arrived)), terminal);
    let mut then_ms = now_ms();
    // The number of events when the next one was searched for.
    let mut searched_from: Option<u64> = None;
    // The step and the number of events at the end that the scrub bar stands for.
    let mut scrubbed = None;
    while !interrupted() {
        let now = now_ms();
        let before = (player.fraction_read().to_bits(), player.run().at_ms);
        let progress = player.advance(now - then_ms, EVENTS_AT_ONCE)?;
        if progress == SeekProgress::Arrived && searched_from.take() == Some(player.n_events()) {
            desk.view.message = Some(Message::Refused("no later event".to_owned()));
            desk.changed = true;
        }
        // There is nothing more to play.
        if player.is_at_end() && player.run().ended.is_some() {
            player.pause();
        }
        // A journal may still grow.
        let end = (player.run().step, player.n_events());
        if player.is_at_end() && scrubbed != Some(end) {
            scrubbed = Some(end);
            desk.view.scrub = Some(Scrub::new(player.run()));
            desk.changed = true;
        }
        then_ms = now;
        let mode = DeskMode::Replay(playing(player, progress));
        desk.changed |= mode != desk.view.mode
            || before != (player.fraction_read().to_bits(), player.run().at_ms);
        desk.view.mode = mode;
        desk.draw(terminal, player.run());
        // While there are events to apply, keys are only checked briefly.
        let is_busy = progress != SeekProgress::Arrived;
        let most = if is_busy { KEY_WAIT } else { Duration::from_millis(FRAME_MS) };
        let effects = match desk.listen(terminal, player.run(), most) {
            Ok(effects) => effects,
            Err(left) => return Ok(left),
        };
        for effect in effects {
            match desk.perform(effect, terminal) {
                Some(Effect::Quit) => return Ok(DeskExit::Finished),
                Some(Effect::Play) => player.toggle()?,
                Some(Effect::Speed(SpeedChange::Up)) => player.set_speed(player.speed().faster()),
                Some(Effect::Speed(SpeedChange::Down)) => player.set_speed(player.speed().slower()),
                Some(Effect::Seek(place)) => {
                    searched_from = (place == Seek::NextEvent).then(|| player.n_events());
                    if !seek(player, place)? {
                        let text = "no earlier event".to_owned();
                        desk.view.message = Some(Message::Refused(text));
                    }
                }
                // The other effects are for a run that trains.
                Some(_) | None => {}
            }
        }
    }
    Ok(DeskExit::Finished)
}

/// The state of the replay, for the header.
fn playing(player: &Player, progress: SeekProgress) -> Playing {
    let seeking = match progress {
        SeekProgress::Seeking { done, all } if player.is_seeking() => {
            Some((done as f64 / all.max(1) as f64) as f32)
        }
        _ => None,
    };
    Playing { playing: player.is_playing(), speed: player.speed().times(), seeking }
}

/// Seeks; returns whether that place exists.
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
