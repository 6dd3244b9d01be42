//! Playback of a journal: play, pause, speed and seek.
//!
//! A replay applies the journal's events to the same state as a live run does, one at a time.
//! However long the journal is, memory holds only the current state and, for seeking back, two
//! earlier snapshots. No call takes long: the caller limits the number of events to apply, and the
//! progress is returned.

mod position;
mod speed;

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use position::{Position, Target};
pub use speed::Speed;

use crate::{
    journal::{self, JournalError, LeftOut, Mark, Reader},
    protocol::{Header, Step},
    state::Run,
};

/// How many bytes before a seek target a snapshot is snapshots, so that seeking back from there is fast:
/// some thousand steps, which take about 10 ms to apply.
const NEAR: u64 = 2 << 20;

/// The playback of a journal.
#[derive(Debug)]
pub struct Player {
    path: PathBuf,
    reader: Reader<BufReader<File>>,
    /// The journal's length in bytes when it was last checked.
    n_bytes: u64,
    position: Position,
    next: Next,
    target: Target,
    is_there: bool,
    /// The position in bytes when the seek began.
    seek_from: u64,
    beginning: Mark,
    /// Snapshots at earlier positions, at most two: the state of a long run is large.
    snapshots: Vec<Snapshot>,
    near: u64,
    is_playing: bool,
    speed: Speed,
    /// The time within the run that playback has reached, with fractions of a millisecond.
    clock_ms: f64,
}

/// The next item of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Not read yet.
    Unread,
    /// An event, buffered by the reader.
    Held,
    /// None so far: the end of the journal.
    End,
    /// Not an event: the journal is corrupt here.
    Broken,
}

/// A snapshot of the run's state, and where to continue reading.
#[derive(Debug)]
struct Snapshot {
    position: Position,
    mark: Mark,
}

/// The progress of a seek.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekProgress {
    /// The state is that of the target position, or of the end of the journal.
    Arrived,
    /// Not there yet; [`Player::run`] is the state at a position on the way.
    Seeking {
        /// Bytes read since the seek began.
        done: u64,
        /// The approximate total in bytes.
        all: u64,
    },
}

impl Player {
    /// Opens a run's folder or a journal. No event has been applied yet: the first target is the
    /// start.
    pub fn open(run: &Path) -> Result<Self, JournalError> {
        let path = journal::locate(run);
        let reader = journal::open(&path)?;
        let mut player = Self {
            path,
            n_bytes: 0,
            position: Position::beginning(reader.header()),
            next: Next::Unread,
            target: Target::Step(Step(0)),
            is_there: false,
            seek_from: reader.n_bytes(),
            beginning: reader.mark(),
            reader,
            snapshots: Vec::new(),
            near: NEAR,
            is_playing: false,
            speed: Speed::ONE,
            clock_ms: 0.0,
        };
        player.update_length();
        Ok(player)
    }

    /// The state of the run at this position.
    pub fn run(&self) -> &Run {
        &self.position.run
    }

    /// The journal's first line.
    pub fn header(&self) -> &Header {
        self.reader.header()
    }

    /// What could not be read of the journal up to this position.
    pub fn left_out(&self) -> &LeftOut {
        self.reader.left_out()
    }

    /// Whether all of the journal so far has been read, or all before its first error.
    pub fn is_at_end(&self) -> bool {
        matches!(self.next, Next::End | Next::Broken)
    }

    /// The fraction of the journal that has been read, from 0 to 1.
    pub fn fraction_read(&self) -> f32 {
        (self.reader.n_bytes() as f64 / self.n_bytes.max(1) as f64).min(1.0) as f32
    }

    /// Whether it plays; false during a seek.
    pub fn is_playing(&self) -> bool {
        self.is_playing
    }

    /// Whether [`Player::fold_some`] has a seek to continue.
    pub fn is_seeking(&self) -> bool {
        !self.is_there
    }

    /// The playback speed.
    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// Sets the playback speed.
    pub fn set_speed(&mut self, speed: Speed) {
        self.speed = speed;
    }

    /// Plays from here. At the end of the journal, starts again from the beginning.
    pub fn play(&mut self) -> Result<(), JournalError> {
        if self.is_at_end() && self.position.run.ended.is_some() {
            self.seek_start()?;
        }
        self.clock_ms = self.position.run.at_ms as f64;
        self.is_playing = true;
        Ok(())
    }

    /// Pauses.
    pub fn pause(&mut self) {
        self.is_playing = false;
    }

    /// Toggles between playing and paused.
    pub fn toggle(&mut self) -> Result<(), JournalError> {
        if self.is_playing {
            self.pause();
            return Ok(());
        }
        self.play()
    }

    /// Seeks to the last event that happened before step `step` + 1.
    pub fn seek_step(&mut self, step: Step) -> Result<(), JournalError> {
        self.seek(Target::Step(step))
    }

    /// Seeks to the state before the first step.
    pub fn seek_start(&mut self) -> Result<(), JournalError> {
        self.seek(Target::Step(Step(0)))
    }

    /// Seeks to the end. If the journal still grows, [`Player::fold_some`] then continues with new
    /// events.
    pub fn seek_end(&mut self) -> Result<(), JournalError> {
        self.seek(Target::End)
    }

    /// Seeks to the next event that is not written at every step.
    pub fn seek_event(&mut self) -> Result<(), JournalError> {
        self.seek(Target::Event(self.position.n_events))
    }

    /// The number of events so far that are not written at every step.
    pub fn n_events(&self) -> u64 {
        self.position.n_events
    }

    /// Seeks forward by a number of steps from the current target.
    pub fn step_forward(&mut self, n_steps: u64) -> Result<(), JournalError> {
        self.seek(self.stepped(|step| step.saturating_add(n_steps)))
    }

    /// Seeks back by a number of steps.
    pub fn step_back(&mut self, n_steps: u64) -> Result<(), JournalError> {
        self.seek(self.stepped(|step| step.saturating_sub(n_steps)))
    }

    /// Applies at most `n_events` events, not beyond the target. At the end of the journal it
    /// applies events that were written since.
    pub fn fold_some(&mut self, n_events: usize) -> Result<SeekProgress, JournalError> {
        if self.next == Next::End {
            self.update_length();
            self.go_to(&self.reader.mark())?;
        }
        for _ in 0..n_events {
            if !self.fold_one()? {
                self.arrive();
                return Ok(SeekProgress::Arrived);
            }
        }
        let left = self.n_bytes_left();
        let done = self.reader.n_bytes() - self.seek_from;
        Ok(SeekProgress::Seeking { done, all: done + left })
    }

    /// Advances the time: continues a seek, plays, or follows the end of a growing journal. It
    /// applies at most `n_events` events; time that they did not cover is not made up later.
    pub fn advance(
        &mut self,
        elapsed_ms: u64,
        n_events: usize,
    ) -> Result<SeekProgress, JournalError> {
        if self.is_seeking() || (!self.is_playing && self.target == Target::End) {
            return self.fold_some(n_events);
        }
        if self.is_playing {
            self.clock_ms += elapsed_ms as f64 * f64::from(self.speed.times());
            self.target = Target::Time(self.clock_ms as u64);
            if self.fold_some(n_events)? != SeekProgress::Arrived {
                self.clock_ms = self.position.run.at_ms as f64;
            }
        }
        Ok(SeekProgress::Arrived)
    }

    fn seek(&mut self, target: Target) -> Result<(), JournalError> {
        let here = (!target.is_behind(&self.position)).then(|| self.reader.n_bytes());
        let is_on_the_way = |snapshots: &&Snapshot| !target.is_behind(&snapshots.position);
        let snapshots = self
            .snapshots
            .iter()
            .filter(is_on_the_way)
            .max_by_key(|snapshots| snapshots.mark.n_bytes());
        match snapshots {
            Some(snapshots) if here.is_none_or(|here| snapshots.mark.n_bytes() > here) => {
                // The current state is dropped first, so that memory never holds one more.
                self.position = Position::beginning(self.reader.header());
                self.position = snapshots.position.clone();
                self.go_to(&snapshots.mark.clone())?;
            }
            None if here.is_none() => {
                self.position = Position::beginning(self.reader.header());
                self.go_to(&self.beginning.clone())?;
            }
            _ => {}
        }
        self.target = target;
        self.is_there = false;
        self.seek_from = self.reader.n_bytes();
        Ok(())
    }

    fn go_to(&mut self, mark: &Mark) -> Result<(), JournalError> {
        self.next = Next::Unread;
        self.reader.go_to(mark)
    }

    /// Keys can arrive faster than a long seek ends: a step is relative to the target.
    fn stepped(&self, step: impl Fn(u64) -> u64) -> Target {
        match self.target {
            Target::Step(Step(wanted)) if self.is_seeking() => Target::Step(Step(step(wanted))),
            Target::Count(wanted) if self.is_seeking() => Target::Count(step(wanted)),
            _ => Target::Count(step(self.position.n_steps)),
        }
    }

    /// Applies the next event, if it is not beyond the target.
    fn fold_one(&mut self) -> Result<bool, JournalError> {
        if self.next == Next::Unread {
            // The error is reported once.
            self.next = Next::Broken;
            let is_event = self.reader.read_event()?.is_some();
            self.next = if is_event { Next::Held } else { Next::End };
        }
        let Some(event) = self.reader.event() else { return Ok(false) };
        if self.target.ends_before(event, &self.position) {
            return Ok(false);
        }
        self.position.apply(event);
        self.next = Next::Unread;
        self.keep_if_near();
        Ok(true)
    }

    /// The target is reached. Playback continues from there.
    fn arrive(&mut self) {
        if !matches!(self.target, Target::Time(_)) {
            self.clock_ms = self.position.run.at_ms as f64;
        }
        self.is_there = true;
    }

    /// Keeps a snapshot here if seeking back from the target will need it.
    fn keep_if_near(&mut self) {
        let here = self.reader.n_bytes();
        let before = self
            .snapshots
            .iter()
            .map(|snapshots| snapshots.mark.n_bytes())
            .filter(|there| *there <= here);
        let last = before.max().unwrap_or(self.beginning.n_bytes());
        if here - last < 2 * self.near || self.n_bytes_left() > self.near {
            return;
        }
        if self.snapshots.len() > 1 {
            let [one, other] = [0, 1].map(|kept_idx| self.snapshots[kept_idx].mark.n_bytes());
            self.snapshots.remove(usize::from(other.abs_diff(here) > one.abs_diff(here)));
        }
        self.snapshots.push(Snapshot { position: self.position.clone(), mark: self.reader.mark() });
    }

    fn n_bytes_left(&self) -> u64 {
        let here = self.reader.n_bytes();
        self.target.n_bytes_left(&self.position, here, self.n_bytes.saturating_sub(here))
    }

    /// A length that cannot be read does not matter: it only measures progress.
    fn update_length(&mut self) {
        self.n_bytes = fs::metadata(&self.path).map_or(self.n_bytes, |file| file.len());
    }
}

#[cfg(test)]
mod tests;
