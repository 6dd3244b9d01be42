//! A journal told again, with play, pause, speed and seek.
//!
//! A replay is the live run's own fold over the journal's events, one at a time: however long the
//! journal, what is held of it is the run as it is now and, for the way back, as it was at two
//! earlier places. Nothing here takes long: whoever draws says how many events to fold at once,
//! and hears how far that went.

mod place;
mod speed;

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use place::{Goal, Place};
pub use speed::Speed;

use crate::{
    journal::{self, JournalError, LeftOut, Mark, Reader},
    protocol::{Header, Step},
    state::Run,
};

/// How far before a goal the run is kept, so that going back from there is quick: some thousand
/// steps, which fold in about 10 ms.
const NEAR: u64 = 2 << 20;

/// A journal being told again.
#[derive(Debug)]
pub struct Player {
    path: PathBuf,
    reader: Reader<BufReader<File>>,
    /// Bytes of the journal when it was last looked at.
    n_bytes: u64,
    place: Place,
    next: Next,
    goal: Goal,
    is_there: bool,
    /// Bytes told when the seek began.
    seek_from: u64,
    beginning: Mark,
    /// The run at earlier places, two at most: a run of many steps is large.
    kept: Vec<Kept>,
    near: u64,
    is_playing: bool,
    speed: Speed,
    /// The time of the run that play has come to, with what is less than a millisecond.
    clock_ms: f64,
}

/// What comes next in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// It was not looked at yet.
    Unread,
    /// The event that the reader has in hand.
    Held,
    /// Nothing, so far.
    End,
    /// No event: the journal is broken here.
    Broken,
}

/// A run as it was, and where to read on.
#[derive(Debug)]
struct Kept {
    place: Place,
    mark: Mark,
}

/// How a seek is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekProgress {
    /// The run is as it was at the wanted place, or the journal has no more.
    There,
    /// On the way; [`Player::run`] is what it was at some place between.
    OnTheWay {
        /// Bytes told since the seek began.
        done: u64,
        /// About how many it will be in all.
        all: u64,
    },
}

impl Player {
    /// Opens a run's folder or a journal. Nothing is told yet: the first goal is the beginning.
    pub fn open(run: &Path) -> Result<Self, JournalError> {
        let path = journal::locate(run);
        let reader = journal::open(&path)?;
        let mut player = Self {
            path,
            n_bytes: 0,
            place: Place::beginning(reader.header()),
            next: Next::Unread,
            goal: Goal::Step(Step(0)),
            is_there: false,
            seek_from: reader.n_bytes(),
            beginning: reader.mark(),
            reader,
            kept: Vec::new(),
            near: NEAR,
            is_playing: false,
            speed: Speed::ONE,
            clock_ms: 0.0,
        };
        player.look();
        Ok(player)
    }

    /// The run as it was at this place.
    pub fn run(&self) -> &Run {
        &self.place.run
    }

    /// The journal's first line.
    pub fn header(&self) -> &Header {
        self.reader.header()
    }

    /// What of the journal up to this place could not be told.
    pub fn left_out(&self) -> &LeftOut {
        self.reader.left_out()
    }

    /// Whether all that the journal has so far was told, or all before a fault of it.
    pub fn is_at_end(&self) -> bool {
        matches!(self.next, Next::End | Next::Broken)
    }

    /// How much of the journal was told, from 0 to 1.
    pub fn told(&self) -> f32 {
        (self.reader.n_bytes() as f64 / self.n_bytes.max(1) as f64).min(1.0) as f32
    }

    /// Whether time goes on. It does not while a seek is on its way.
    pub fn is_playing(&self) -> bool {
        self.is_playing
    }

    /// Whether [`Player::fold_some`] has a seek to go on with.
    pub fn is_seeking(&self) -> bool {
        !self.is_there
    }

    /// How quickly it plays.
    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// Plays at this speed from now on.
    pub fn set_speed(&mut self, speed: Speed) {
        self.speed = speed;
    }

    /// Plays on from here. A run that was told to its end is told from its beginning again.
    pub fn play(&mut self) -> Result<(), JournalError> {
        if self.is_at_end() && self.place.run.ended.is_some() {
            self.seek_start()?;
        }
        self.clock_ms = self.place.run.at_ms as f64;
        self.is_playing = true;
        Ok(())
    }

    /// Holds the run where it is.
    pub fn pause(&mut self) {
        self.is_playing = false;
    }

    /// Plays, or holds what plays.
    pub fn toggle(&mut self) -> Result<(), JournalError> {
        if self.is_playing {
            self.pause();
            return Ok(());
        }
        self.play()
    }

    /// Wants the run as it was when no more than so many steps were done, with all that was told
    /// after the last of them.
    pub fn seek_step(&mut self, step: Step) -> Result<(), JournalError> {
        self.seek(Goal::Step(step))
    }

    /// Wants the run as it was before its first step.
    pub fn seek_start(&mut self) -> Result<(), JournalError> {
        self.seek(Goal::Step(Step(0)))
    }

    /// Wants the run as the journal leaves it. Of a journal that still grows,
    /// [`Player::fold_some`] then goes on to tell what comes.
    pub fn seek_end(&mut self) -> Result<(), JournalError> {
        self.seek(Goal::End)
    }

    /// Wants the run as it was when the next thing happened that does not come with every step.
    pub fn seek_event(&mut self) -> Result<(), JournalError> {
        self.seek(Goal::Event(self.place.n_events))
    }

    /// Things told so far that do not come with every step.
    pub fn n_events(&self) -> u64 {
        self.place.n_events
    }

    /// Wants to be some steps further on in the journal, from the place that is wanted now.
    pub fn step_forward(&mut self, n_steps: u64) -> Result<(), JournalError> {
        self.seek(self.stepped(|step| step.saturating_add(n_steps)))
    }

    /// Wants to be some steps further back.
    pub fn step_back(&mut self, n_steps: u64) -> Result<(), JournalError> {
        self.seek(self.stepped(|step| step.saturating_sub(n_steps)))
    }

    /// Tells some events, as long as they are not beyond the goal. Also where it came to the end
    /// of the journal: what was written since is told then.
    pub fn fold_some(&mut self, n_events: usize) -> Result<SeekProgress, JournalError> {
        if self.next == Next::End {
            self.look();
            self.go_to(&self.reader.mark())?;
        }
        for _ in 0..n_events {
            if !self.fold_one()? {
                self.arrive();
                return Ok(SeekProgress::There);
            }
        }
        let left = self.n_bytes_left();
        let done = self.reader.n_bytes() - self.seek_from;
        Ok(SeekProgress::OnTheWay { done, all: done + left })
    }

    /// Lets time pass: a seek goes on, or a playing run does, or what is written at the end of the
    /// journal is told. No more than so many events are told; time that they did not suffice for
    /// is not made up.
    pub fn advance(
        &mut self,
        elapsed_ms: u64,
        n_events: usize,
    ) -> Result<SeekProgress, JournalError> {
        if self.is_seeking() || (!self.is_playing && self.goal == Goal::End) {
            return self.fold_some(n_events);
        }
        if self.is_playing {
            self.clock_ms += elapsed_ms as f64 * f64::from(self.speed.times());
            self.goal = Goal::Time(self.clock_ms as u64);
            if self.fold_some(n_events)? != SeekProgress::There {
                self.clock_ms = self.place.run.at_ms as f64;
            }
        }
        Ok(SeekProgress::There)
    }

    fn seek(&mut self, goal: Goal) -> Result<(), JournalError> {
        let here = (!goal.is_behind(&self.place)).then(|| self.reader.n_bytes());
        let is_on_the_way = |kept: &&Kept| !goal.is_behind(&kept.place);
        let kept = self.kept.iter().filter(is_on_the_way).max_by_key(|kept| kept.mark.n_bytes());
        match kept {
            Some(kept) if here.is_none_or(|here| kept.mark.n_bytes() > here) => {
                // The run as it is now goes first, or there would be one more in memory.
                self.place = Place::beginning(self.reader.header());
                self.place = kept.place.clone();
                self.go_to(&kept.mark.clone())?;
            }
            None if here.is_none() => {
                self.place = Place::beginning(self.reader.header());
                self.go_to(&self.beginning.clone())?;
            }
            _ => {}
        }
        self.goal = goal;
        self.is_there = false;
        self.seek_from = self.reader.n_bytes();
        Ok(())
    }

    fn go_to(&mut self, mark: &Mark) -> Result<(), JournalError> {
        self.next = Next::Unread;
        self.reader.go_to(mark)
    }

    /// Keys come quicker than a long seek ends: a step is one from the place that is wanted.
    fn stepped(&self, step: impl Fn(u64) -> u64) -> Goal {
        match self.goal {
            Goal::Step(Step(wanted)) if self.is_seeking() => Goal::Step(Step(step(wanted))),
            Goal::Count(wanted) if self.is_seeking() => Goal::Count(step(wanted)),
            _ => Goal::Count(step(self.place.n_steps)),
        }
    }

    /// Tells the next event, if it is not beyond the goal.
    fn fold_one(&mut self) -> Result<bool, JournalError> {
        if self.next == Next::Unread {
            // Which is all that is said of it after an error.
            self.next = Next::Broken;
            let is_event = self.reader.read_event()?.is_some();
            self.next = if is_event { Next::Held } else { Next::End };
        }
        let Some(event) = self.reader.event() else { return Ok(false) };
        if self.goal.ends_before(event, &self.place) {
            return Ok(false);
        }
        self.place.apply(event);
        self.next = Next::Unread;
        self.keep_if_near();
        Ok(true)
    }

    /// The goal is reached. Play goes on from where a seek has led.
    fn arrive(&mut self) {
        if !matches!(self.goal, Goal::Time(_)) {
            self.clock_ms = self.place.run.at_ms as f64;
        }
        self.is_there = true;
    }

    /// Keeps the run as it is here if somebody who goes back from the goal will want it.
    fn keep_if_near(&mut self) {
        let here = self.reader.n_bytes();
        let before =
            self.kept.iter().map(|kept| kept.mark.n_bytes()).filter(|there| *there <= here);
        let last = before.max().unwrap_or(self.beginning.n_bytes());
        if here - last < 2 * self.near || self.n_bytes_left() > self.near {
            return;
        }
        if self.kept.len() > 1 {
            let [one, other] = [0, 1].map(|kept_idx| self.kept[kept_idx].mark.n_bytes());
            self.kept.remove(usize::from(other.abs_diff(here) > one.abs_diff(here)));
        }
        self.kept.push(Kept { place: self.place.clone(), mark: self.reader.mark() });
    }

    fn n_bytes_left(&self) -> u64 {
        let here = self.reader.n_bytes();
        self.goal.n_bytes_left(&self.place, here, self.n_bytes.saturating_sub(here))
    }

    /// A length that can't be had is of no weight: it is what progress is measured by.
    fn look(&mut self) {
        self.n_bytes = fs::metadata(&self.path).map_or(self.n_bytes, |file| file.len());
    }
}

#[cfg(test)]
mod tests;
