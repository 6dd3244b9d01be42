//! Key sequences, the effects that they have, and the view after the trainer's answers.

use std::collections::BTreeMap;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::*;
use crate::{
    arbitrary,
    protocol::{
        Assignment, By, Command, Control, Scene, Step,
        event::{
            CommandRefused, Ended, GainSet, Muted, Reason, RunEnded, SceneStored, Setting,
            SettingSet, StepDone, StripSetting,
        },
    },
    tui::{key::KeyPress, view::keymap::Keymap},
};

fn run() -> Run {
    let mut run = Run::new(Some(&arbitrary::header()));
    run.apply(&arbitrary::run_started().into());
    run.apply(&arbitrary::step_done(1, "chunk", 2.0).into());
    run
}

fn view(mode: DeskMode) -> View {
    View { size: Size::new(120, 40), ..View::new(mode) }
}

/// Presses keys by name; `"text` types a text.
fn press(view: &mut View, run: &Run, keys: &[&str]) -> Vec<Effect> {
    let keymap = Keymap::new(&BTreeMap::new());
    let mut effects = Vec::new();
    for key in keys {
        let typed: Vec<String> = match key.strip_prefix('"') {
            Some(text) => {
                text.chars().map(|c| if c == ' ' { "space".into() } else { c.into() }).collect()
            }
            None => vec![(*key).to_owned()],
        };
        for key in typed {
            let key: KeyPress = key.parse().unwrap();
            effects.extend(view.press(key.into(), &keymap, run));
        }
    }
    effects
}

fn commands(effects: Vec<Effect>) -> Vec<Command> {
    let command = |effect| match effect {
        Effect::Send(request) => request.command,
        other => panic!("{other:?} is no command"),
    };
    effects.into_iter().map(command).collect()
}

fn set(objective: &str, gain: f32) -> Command {
    Assignment::gain(objective.into(), gain).into()
}

/// The answer to a change of a fader.
fn gain_set(objective: &str, old: f32, new: f32, order: u64) -> Event {
    let set = arbitrary::gain_set(1, objective, old, new);
    GainSet { at_ms: 20, command: Some(CommandId(order)), ..set }.into()
}

fn answer(view: &mut View, run: &mut Run, event: &Event) -> Vec<Effect> {
    run.apply(event);
    view.answered(event, run)
}

#[test]
fn a_fader_does_not_move_before_the_trainer_has_answered() {
    let (mut view, mut run) = (view(DeskMode::Live), run());
    let effects = press(&mut view, &run, &["2", "l"]);
    let [Effect::Send(request)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(request.command, set("next-word", 1.05));
    view.sent(request, Some(CommandId(7)));
    assert_eq!(press(&mut view, &run, &["l", "L"]), [], "gathered while one is under way");
    let name = ObjectiveId::from("next-word");
    assert_eq!((run.strip(&name).unwrap().gain, view.pending.gain(&name)), (1.0, Some(1.377)));

    let answer_7 = gain_set("next-word", 1.0, 1.05, 7);
    let next = answer(&mut view, &mut run, &answer_7);
    assert_eq!(commands(next.clone()), [set("next-word", 1.377)]);
    let [Effect::Send(request)] = &next[..] else { panic!("one command") };
    view.sent(request, Some(CommandId(8)));
    let answer_8 = gain_set("next-word", 1.05, 1.377, 8);
    assert_eq!(answer(&mut view, &mut run, &answer_8), []);
    assert_eq!(view.pending.len(), 0);
    let text = "gain of next-word 1.050 to 1.377  from step 2, by key";
    assert_eq!(view.message, Some(Message::Done(text.into())));
}

#[test]
fn a_refused_command_is_reported_and_no_longer_pending() {
    let (mut view, mut run) = (view(DeskMode::Live), run());
    let effects = press(&mut view, &run, &["m"]);
    let [Effect::Send(request)] = &effects[..] else { panic!("{effects:?}") };
    view.sent(request, Some(CommandId(1)));
    assert_eq!(view.pending.mute(&"chunk".into()), Some(true));
    let why = "`chunk` is the last active objective".to_owned();
    let (at_ms, step, command) = (9, Step(1), Some(CommandId(1)));
    let refused = CommandRefused { at_ms, step, command, why: why.clone() }.into();
    assert_eq!(answer(&mut view, &mut run, &refused), []);
    assert_eq!(view.message, Some(Message::Refused(why)));
    assert_eq!(view.pending.len(), 0);
}

#[test]
fn undo_goes_through_the_history_one_answer_at_a_time() {
    let (mut view, mut run) = (view(DeskMode::Live), run());
    run.apply(&gain_set("chunk", 1.0, 2.0, 1));
    run.apply(&gain_set("pos", 1.0, 0.5, 2));
    let effects = press(&mut view, &run, &["u"]);
    let [Effect::Send(request)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((&request.command, request.undoes), (&set("pos", 1.0), Some(CommandId(2))));
    view.sent(request, Some(CommandId(3)));
    assert_eq!(press(&mut view, &run, &["u"]), [], "the second waits for the first");
    let Event::GainSet(undone) = gain_set("pos", 0.5, 1.0, 3) else { panic!("a gain") };
    let undone = GainSet { undoes: Some(CommandId(2)), ..undone }.into();
    let next = answer(&mut view, &mut run, &undone);
    let [Effect::Send(request)] = &next[..] else { panic!("{next:?}") };
    assert_eq!((&request.command, request.undoes), (&set("chunk", 1.0), Some(CommandId(1))));
    assert_eq!((run.manual.history.n_done(), run.manual.history.n_undone()), (1, 1));
}

#[test]
fn recalling_a_scene_is_one_change_of_what_differs() {
    let (mut view, mut run) = (view(DeskMode::Live), run());
    assert_eq!(press(&mut view, &run, &["A"]), []);
    let text = "scene A is empty; a saves the mix there";
    assert_eq!(view.message, Some(Message::Refused(text.into())));
    let kept = |gain, muted| StripSetting { gain, muted, soloed: false };
    let strips = [("chunk".into(), kept(1.0, false)), ("pos".into(), kept(0.3, true))].into();
    let (scene, by, command) = (Scene::A, By::Key, None);
    run.apply(&SceneStored { at_ms: 1, step: Step(1), scene, strips, by, command }.into());
    let muted = Assignment::muted("pos".into(), true);
    let wanted = Command::Set(vec![muted, Assignment::gain("pos".into(), 0.3)]);
    assert_eq!(commands(press(&mut view, &run, &["A"])), [wanted]);
}

#[test]
fn a_gain_prompt_stays_open_after_invalid_input() {
    let (mut view, run) = (view(DeskMode::Live), run());
    assert_eq!(press(&mut view, &run, &["w", "\"much", "enter"]), []);
    let Some(Overlay::Prompt(prompt)) = &view.overlay else { panic!("still open") };
    assert_eq!(prompt.fault.as_deref(), Some("expected a gain of at least 0, found `much`"));
    let fade = Assignment::fade("chunk".into(), 0.5, 200).into();
    let typed = ["ctrl-u", "\"0.5 over 200", "enter"];
    assert_eq!(commands(press(&mut view, &run, &typed)), [fade]);
    assert_eq!(view.overlay, None);
}

#[test]
fn stopping_is_confirmed_by_another_key() {
    let (mut view, run) = (view(DeskMode::Live), run());
    assert_eq!(press(&mut view, &run, &["q", "q", "enter"]), []);
    assert_eq!(view.overlay, Some(Overlay::ConfirmStop), "neither the same key nor Enter answers");
    assert_eq!(press(&mut view, &run, &["n"]), []);
    assert_eq!(view.overlay, None);
    let stop = Command::Stop { reason: Reason::Key };
    assert_eq!(commands(press(&mut view, &run, &["q", "y"])), [stop]);
    assert_eq!(press(&mut view, &run, &["q"]), [], "it is ending");
}

#[test]
fn a_run_that_has_ended_accepts_no_changes_and_quits_at_once() {
    let (mut view, mut run) = (view(DeskMode::Live), run());
    let (ended, reason, message) = (Ended::Finished, Reason::Steps, None);
    run.apply(&RunEnded { at_ms: 9, step: Step(1), ended, reason, message }.into());
    assert_eq!(press(&mut view, &run, &["l"]), []);
    assert_eq!(view.message, Some(Message::Refused("the run has ended".into())));
    assert_eq!(press(&mut view, &run, &["q"]), [Effect::Quit]);
}

#[test]
fn a_run_that_has_ended_is_trained_on_for_epochs_or_steps() {
    let (mut view, mut run) = (view(DeskMode::Live), run());
    assert_eq!(press(&mut view, &run, &["C"]), []);
    assert_eq!(view.message, Some(Message::Refused("the run has not ended yet".into())));
    let (ended, reason, message) = (Ended::Finished, Reason::Epochs, None);
    run.apply(&RunEnded { at_ms: 9, step: Step(1), ended, reason, message }.into());
    let epochs = [Effect::TrainOn(Extension::Epochs(5))];
    assert_eq!(press(&mut view, &run, &["C", "enter"]), epochs);
    assert_eq!(press(&mut view, &run, &["C"]), [], "one at a time");
    let preparing = "the session is being prepared";
    assert_eq!(view.message, Some(Message::Refused(preparing.into())));
    view.not_extended("the file has changed".to_owned());
    let steps = [Effect::TrainOn(Extension::Steps(2000))];
    assert_eq!(press(&mut view, &run, &[":", "\"train-on 2000 steps", "enter"]), steps);
    view.extended();
    assert!(!view.is_extending);
    assert_eq!(view.history, ["train-on 2000 steps"]);
}

fn stop(view: &View) -> Option<TourStop> {
    view.tour.as_ref().and_then(Tour::next).map(|(_, stop)| stop)
}

#[test]
fn each_line_of_the_tour_goes_on_once_it_has_been_done() {
    let (mut view, mut run) = (view(DeskMode::Live), run());
    view.tour = Some(Tour::default());
    assert_eq!(stop(&view), Some(TourStop::Select));
    press(&mut view, &run, &["y", "f", "f", "["]);
    assert_eq!(stop(&view), Some(TourStop::Select), "other keys are not it");
    press(&mut view, &run, &["2"]);
    assert_eq!(stop(&view), Some(TourStop::Move));
    let effects = press(&mut view, &run, &["H"]);
    let [Effect::Send(request)] = &effects[..] else { panic!("{effects:?}") };
    view.sent(request, Some(CommandId(7)));
    assert_eq!(stop(&view), Some(TourStop::Move), "the trainer has not answered");
    answer(&mut view, &mut run, &gain_set("next-word", 1.0, 0.8, 7));
    assert_eq!(stop(&view), Some(TourStop::Look));
    // What is done earlier is not asked for later.
    press(&mut view, &run, &["v", "v", "v"]);
    assert_eq!(stop(&view), Some(TourStop::TakeBack), "the page of the chart shows it too");
    press(&mut view, &run, &["u"]);
    let tour = view.tour.as_mut().unwrap();
    assert_eq!((tour.next(), tour.has_just_ended(), tour.has_just_ended()), (None, true, false));
    press(&mut view, &run, &["y"]);
    assert_eq!(view.tour, None);
    press(&mut view, &run, &["X"]);
    assert_eq!(view.message, Some(Message::Refused("there is no tour".into())));
}

#[test]
fn a_key_ends_the_tour() {
    let (mut view, run) = (view(DeskMode::Live), run());
    view.tour = Some(Tour::default());
    assert_eq!(press(&mut view, &run, &["X"]), [Effect::EndTour]);
    assert_eq!(view.tour, None);
}

#[test]
fn what_an_action_prompts_for_may_follow_its_name() {
    let (mut view, run) = (view(DeskMode::Live), run());
    let typed = [":", "\"gain 0.8", "enter"];
    assert_eq!(commands(press(&mut view, &run, &typed)), [set("chunk", 0.8)]);
    assert_eq!(press(&mut view, &run, &[":", "\"train-on 5 epochs", "enter"]), []);
    assert_eq!(view.message, Some(Message::Refused("the run has not ended yet".into())));
    assert_eq!(press(&mut view, &run, &[":", "\"gain loud", "enter"]), []);
    let Some(Overlay::Prompt(prompt)) = &view.overlay else { panic!("it stays open") };
    assert!(prompt.fault.as_ref().is_some_and(|fault| fault.contains("loud")));
}

#[test]
fn the_weighting_prompt_begins_with_the_rule_in_force() {
    let (mut view, mut run) = (view(DeskMode::Live), run());
    let set = SettingSet {
        at_ms: 30,
        step: Step(2),
        from: Step(3),
        path: "train.weighting".to_owned(),
        old: Setting::Text("equal".to_owned()),
        new: Setting::Text("dwa temperature=2".to_owned()),
        by: By::Key,
        command: Some(CommandId(3)),
        undoes: None,
    };
    let wished = |rule: &str| -> Command {
        Assignment::setting("train.weighting", Setting::Text(rule.to_owned())).into()
    };
    let typed = press(&mut view, &run, &["R", "e", "enter"]);
    assert_eq!(commands(typed), [wished("equal")], "the run's own");
    run.apply(&set.into());
    let typed = press(&mut view, &run, &["R", "e", "enter"]);
    assert_eq!(commands(typed), [wished("dwa temperature=2")]);
    assert_eq!(run.weighting().as_deref(), Some("dwa temperature=2"));
}

#[test]
fn the_sampling_prompt_begins_with_the_rule_in_force() {
    let (mut view, mut run) = (view(DeskMode::Live), run());
    let wished = |rule: &str| -> Command {
        Assignment::setting("train.sampling", Setting::Text(rule.to_owned())).into()
    };
    let typed = press(&mut view, &run, &["d", "enter"]);
    assert_eq!(commands(typed), [wished("proportional")], "the run's own");
    let annealed = StepDone { temperature: Some(1.25), ..arbitrary::step_done(2, "chunk", 2.0) };
    run.apply(&annealed.into());
    let typed = press(&mut view, &run, &["d", "enter"]);
    assert_eq!(commands(typed), [wished("temperature 1.25")], "what a schedule came to");
    let set = SettingSet {
        at_ms: 30,
        step: Step(2),
        from: Step(3),
        path: "train.sampling".to_owned(),
        old: Setting::Text("temperature 1.25".to_owned()),
        new: Setting::Text("all".to_owned()),
        by: By::Key,
        command: Some(CommandId(3)),
        undoes: None,
    };
    run.apply(&set.into());
    let typed = press(&mut view, &run, &["d", "backspace", "\"l the rest", "enter"]);
    assert_eq!(
        commands(typed),
        [wished("all the rest")],
        "what a hand has set; the trainer judges"
    );
    assert_eq!(press(&mut view, &run, &["u"]).len(), 1, "and it can be undone");
    assert_eq!(press(&mut view, &run, &["d", "ctrl-u", "enter"]), []);
    assert!(matches!(&view.overlay, Some(Overlay::Prompt(Prompt { fault: Some(_), .. }))));
}

#[test]
fn observe_mode_sends_no_commands() {
    let (mut view, run) = (view(DeskMode::Observe), run());
    for key in ["l", "m", "s", "w", "space", "c", "e", "n", "r", "d"] {
        assert_eq!(press(&mut view, &run, &[key]), [], "{key}");
        assert!(matches!(view.message, Some(Message::Refused(_))), "{key}");
        assert_eq!(view.overlay, None, "{key}");
    }
    assert!(press(&mut view, &run, &["j", "?"]).is_empty());
    assert_eq!(view.strip_idx(&run), 1);
}

#[test]
fn what_is_not_trained_here_says_how_it_is_trained_on() {
    let playing = Playing { playing: false, speed: 1.0, seeking: None };
    let mut run = run();
    let (ended, reason, message) = (Ended::Finished, Reason::Epochs, None);
    run.apply(&RunEnded { at_ms: 9, step: Step(1), ended, reason, message }.into());
    for mode in [DeskMode::Observe, DeskMode::Replay(playing)] {
        let mut view = view(mode);
        assert_eq!(press(&mut view, &run, &["C"]), []);
        assert_eq!(view.overlay, None);
        let Some(Message::Refused(why)) = &view.message else { panic!("{mode:?}") };
        assert!(why.starts_with("read-only: "), "{why}");
        assert!(why.contains("`auxdesk continue RUN --epochs N`"), "{why}");
    }
}

#[test]
fn esc_closes_one_layer_at_a_time_and_never_quits() {
    let (mut view, run) = (view(DeskMode::Live), run());
    press(&mut view, &run, &["tab", "left", "/", "\"pos", "enter", "?"]);
    let layers = |view: &View| {
        let help = view.overlay.is_some();
        (help, view.chart.cursor.is_some(), view.events.filter.clone(), view.focus)
    };
    assert_eq!(layers(&view), (true, true, "pos".into(), Focus::Chart));
    press(&mut view, &run, &["esc"]);
    assert_eq!(layers(&view), (false, true, "pos".into(), Focus::Chart));
    press(&mut view, &run, &["esc"]);
    assert_eq!(layers(&view), (false, false, "pos".into(), Focus::Chart));
    press(&mut view, &run, &["esc"]);
    assert_eq!(layers(&view), (false, false, String::new(), Focus::Chart));
    assert_eq!(press(&mut view, &run, &["esc", "esc", "esc"]), []);
    assert_eq!(layers(&view), (false, false, String::new(), Focus::Desk));
}

#[test]
fn the_palette_searches_completes_and_has_a_history() {
    let (mut view, run) = (view(DeskMode::Live), run());
    let muted = Assignment::muted("chunk".into(), true).into();
    let typed = [":", "\"mut", "tab", "enter"];
    assert_eq!(commands(press(&mut view, &run, &typed)), std::slice::from_ref(&muted));
    assert_eq!(commands(press(&mut view, &run, &[":", "up", "enter"])), [muted]);
    assert_eq!(press(&mut view, &run, &[":", "\"no such", "enter"]), []);
    assert_eq!(view.message, Some(Message::Refused("no action named `no such`".into())));
}

#[test]
fn the_focus_cycles_through_the_visible_panels() {
    let (mut view, run) = (view(DeskMode::Live), run());
    let mut round = Vec::new();
    for _ in 0..3 {
        press(&mut view, &run, &["tab"]);
        round.push(view.focus);
    }
    assert_eq!(round, [Focus::Chart, Focus::Events, Focus::Desk]);
    view.size = Size::new(40, 10);
    press(&mut view, &run, &["tab"]);
    assert_eq!(view.focus, Focus::Desk, "nothing else is on so small a screen");
}

#[test]
fn in_a_replay_keys_control_playback_only() {
    let playing = Playing { playing: false, speed: 1.0, seeking: None };
    let (mut view, run) = (view(DeskMode::Replay(playing)), run());
    let keys = ["space", ">", "right", "H", "home", "}", "G", "\"40%", "enter"];
    let wanted = [
        Effect::Play,
        Effect::Speed(SpeedChange::Up),
        Effect::Seek(Seek::By(1)),
        Effect::Seek(Seek::By(-100)),
        Effect::Seek(Seek::Start),
        Effect::Seek(Seek::NextEvent),
        Effect::Seek(Seek::To(Step(40))),
    ];
    assert_eq!(press(&mut view, &run, &keys), wanted);
    assert_eq!(press(&mut view, &run, &["m"]), []);
    assert!(matches!(&view.message, Some(Message::Refused(why)) if why.contains("--moves")));
    assert_eq!(press(&mut view, &run, &["q"]), [Effect::Quit]);
}

#[test]
fn the_mouse_seeks_on_the_scrub_bar() {
    let playing = Playing { playing: false, speed: 1.0, seeking: None };
    let (mut view, mut run) = (view(DeskMode::Replay(playing)), run());
    (1..=400).for_each(|step| run.apply(&arbitrary::step_done(step, "chunk", 1.0).into()));
    view.size = Size::new(103, 30);
    view.scrub = Some(Scrub::new(&run));
    let mouse = |kind, column| MouseEvent { kind, column, row: 28, modifiers: KeyModifiers::NONE };
    let left = MouseButton::Left;
    let seek = |step| vec![Effect::Seek(Seek::To(Step(step)))];
    assert_eq!(view.mouse(mouse(MouseEventKind::Down(left), 51), &run), seek(200));
    assert_eq!(view.mouse(mouse(MouseEventKind::Drag(left), 0), &run), seek(0));
    assert_eq!(view.mouse(mouse(MouseEventKind::Drag(left), 102), &run), seek(400));
    let wheel = view.mouse(mouse(MouseEventKind::ScrollUp, 51), &run);
    assert_eq!(wheel, [Effect::Seek(Seek::By(-3))]);
    view.mode = DeskMode::Live;
    assert_eq!(view.mouse(mouse(MouseEventKind::Down(left), 51), &run), []);
}

#[test]
fn a_command_after_the_trainer_has_exited_is_refused() {
    let (mut view, run) = (view(DeskMode::Live), run());
    let effects = press(&mut view, &run, &["l"]);
    let [Effect::Send(request)] = &effects[..] else { panic!("{effects:?}") };
    view.sent(request, None);
    assert_eq!(view.pending.len(), 0);
    assert_eq!(view.message, Some(Message::Refused("the run has ended".into())));
}

#[test]
fn mutes_and_solos_toggle_the_last_requested_state() {
    let (mut view, mut run) = (view(DeskMode::Live), run());
    let effects = press(&mut view, &run, &["m"]);
    let [Effect::Send(request)] = &effects[..] else { panic!("{effects:?}") };
    view.sent(request, Some(CommandId(1)));
    let unmute = Assignment::muted("chunk".into(), false).into();
    assert_eq!(commands(press(&mut view, &run, &["m"])), [unmute]);
    let (objective, muted, by) = ("chunk".into(), true, By::Key);
    let (command, undoes) = (Some(CommandId(1)), None);
    let (at_ms, step, from) = (3, Step(1), Step(2));
    let event = Muted { at_ms, step, from, objective, muted, by, command, undoes }.into();
    answer(&mut view, &mut run, &event);
    assert!(run.strips[0].muted);
}

#[test]
fn undo_waits_for_the_change_in_flight() {
    let (mut view, mut run) = (view(DeskMode::Live), run());
    run.apply(&gain_set("pos", 1.0, 0.5, 1));
    let effects = press(&mut view, &run, &["l"]);
    let [Effect::Send(request)] = &effects[..] else { panic!("{effects:?}") };
    view.sent(request, Some(CommandId(2)));
    assert_eq!(press(&mut view, &run, &["u"]), [], "not the move before");
    let next = answer(&mut view, &mut run, &gain_set("chunk", 1.0, 1.05, 2));
    let [Effect::Send(request)] = &next[..] else { panic!("{next:?}") };
    assert_eq!((&request.command, request.undoes), (&set("chunk", 1.0), Some(CommandId(2))));
}

#[test]
fn a_second_press_of_the_pause_key_resumes_before_the_first_is_answered() {
    let (mut view, run) = (view(DeskMode::Live), run());
    for (number, wanted) in [Command::Pause, Command::Resume, Command::Pause].iter().enumerate() {
        let effects = press(&mut view, &run, &["space"]);
        let [Effect::Send(request)] = &effects[..] else { panic!("{effects:?}") };
        assert_eq!(request.command, *wanted);
        view.sent(request, Some(CommandId(number as u64)));
    }
}

/// A trainer that carries out what it is sent, on demand.
#[derive(Default)]
struct SlowTrainer {
    commands: Vec<(CommandId, Request)>,
    n_commands: u64,
    at_ms: u64,
}

impl SlowTrainer {
    /// Queues what is sent, as the desk's loop would.
    fn take(&mut self, view: &mut View, effects: Vec<Effect>) {
        for effect in effects {
            let Effect::Send(request) = effect else { panic!("{effect:?}") };
            self.n_commands += 1;
            view.sent(&request, Some(CommandId(self.n_commands)));
            self.commands.push((CommandId(self.n_commands), request));
        }
    }

    /// Answers the oldest command and handles the view's reaction.
    fn answer(&mut self, view: &mut View, run: &mut Run) -> bool {
        if self.commands.is_empty() {
            return false;
        }
        let (id, request) = self.commands.remove(0);
        self.at_ms += 400;
        let (at_ms, step, by, command) = (self.at_ms, Step(1), By::Key, Some(id));
        let events: Vec<Event> = match request.command {
            Command::Set(all) => {
                all.into_iter().map(|one| changed(one, at_ms, id, request.undoes, run)).collect()
            }
            Command::StoreScene { scene } => {
                let kept = |strip: &Strip| {
                    let (gain, muted) = (strip.gain, strip.muted);
                    (strip.name.clone(), StripSetting { gain, muted, soloed: false })
                };
                let strips = run.strips.iter().map(kept).collect();
                vec![SceneStored { at_ms, step, scene, strips, by, command }.into()]
            }
            other => panic!("{other:?} was not pressed"),
        };
        for event in events {
            run.apply(&event);
            let effects = view.answered(&event, run);
            self.take(view, effects);
        }
        true
    }
}

/// The event after a command was carried out.
fn changed(
    Assignment { control, value, .. }: Assignment,
    at_ms: u64,
    id: CommandId,
    undoes: Option<CommandId>,
    run: &Run,
) -> Event {
    let (step, from, by, command) = (Step(1), Step(2), By::Key, Some(id));
    match (control, value) {
        (Control::Gain(objective), Setting::Number(gain)) => {
            let old = run.strip(&objective).unwrap().gain;
            let Event::GainSet(set) = gain_set(objective.as_str(), old, gain, id.0) else {
                panic!("a gain")
            };
            GainSet { at_ms, undoes, ..set }.into()
        }
        (Control::Muted(objective), Setting::Switch(muted)) => {
            Muted { at_ms, step, from, objective, muted, by, command, undoes }.into()
        }
        other => panic!("{other:?} was not pressed"),
    }
}

proptest::proptest! {
    #[test]
    fn undoing_everything_restores_the_recipes_mix_for_any_order_of_answers(
        keys in proptest::collection::vec(
            proptest::sample::select(vec!["1", "2", "3", "l", "H", "L", "m", "u", "ctrl-r", "a", "A", "0"]),
            0..40,
        ),
        lags in proptest::collection::vec(0usize..4, 40),
    ) {
        let (mut view, mut run) = (view(DeskMode::Live), run());
        let mix = |run: &Run| -> Vec<(f32, bool)> {
            run.strips.iter().map(|strip| (strip.gain, strip.muted)).collect()
        };
        let of_recipe = mix(&run);
        let mut trainer = SlowTrainer::default();
        for (key, lag) in keys.iter().zip(lags) {
            let effects = press(&mut view, &run, &[key]);
            trainer.take(&mut view, effects);
            (0..lag).for_each(|_| { trainer.answer(&mut view, &mut run); });
        }
        while trainer.answer(&mut view, &mut run) {}
        proptest::prop_assert_eq!(view.pending.len(), 0);
        while run.manual.history.n_done() > 0 {
            let left = run.manual.history.n_done();
            let effects = press(&mut view, &run, &["u"]);
            trainer.take(&mut view, effects);
            while trainer.answer(&mut view, &mut run) {}
            proptest::prop_assert_eq!(run.manual.history.n_done(), left - 1);
        }
        proptest::prop_assert_eq!(mix(&run), of_recipe);
    }
}

#[test]
fn a_rule_is_chosen_from_a_list_and_others_are_compared_with_it() {
    let (mut view, mut run) = (view(DeskMode::Live), run());
    let never = ("train.measure_gradients_every".to_owned(), Setting::Number(0.0));
    run.plan.settings_at_start.extend([never]);
    let set = |path: &str, text: &str| Assignment::setting(path, Setting::Text(text.to_owned()));
    assert_eq!(press(&mut view, &run, &["R"]), []);
    assert!(matches!(view.overlay, Some(Overlay::Weightings { .. })));
    let names: Vec<String> =
        view.weightings(&run).into_iter().map(|shown| shown.notation).collect();
    assert_eq!(names[..3], ["equal", "random", "dwa temperature=2"]);
    // Space compares, and the list stays open; the gradients are measured from now on.
    let found = commands(press(&mut view, &run, &["down", "down", "space"]));
    let every = Assignment::setting("train.measure_gradients_every", Setting::Number(10.0));
    let shadows = |text| set("train.shadow_weightings", text);
    let wanted = Command::Set(vec![shadows("dwa temperature=2"), every]);
    assert_eq!(found, std::slice::from_ref(&wanted));
    view.sent(&wanted.into(), Some(CommandId(3)));
    assert!(view.weightings(&run)[2].is_shadow);
    let found = commands(press(&mut view, &run, &["down", "space"]));
    let [Command::Set(all)] = &found[..] else { panic!("{found:?}") };
    let Setting::Text(both) = &all[0].value else { panic!("{all:?}") };
    assert!(both.starts_with("dwa temperature=2, uncertainty"), "{both}");
    // The interval is requested already.
    assert_eq!(all.len(), 1, "{all:?}");
    // Enter sets the selected rule and closes the list.
    let found = commands(press(&mut view, &run, &["up", "enter"]));
    assert_eq!(found, [set("train.weighting", "dwa temperature=2").into()]);
    assert_eq!(view.overlay, None);
    // The rule in force is not set again, which would clear its memory.
    assert_eq!(press(&mut view, &run, &["R", "enter"]), []);
    // e edits its options first.
    press(&mut view, &run, &["R", "down", "down", "e"]);
    let Some(Overlay::Prompt(prompt)) = &view.overlay else { panic!("a prompt") };
    assert_eq!(prompt.line.text(), "dwa temperature=2");
}

fn by_rule(by_rule: bool, command: u64) -> Event {
    let path = "objective.pos.by_rule".to_owned();
    let (old, new) = (Setting::Switch(!by_rule), Setting::Switch(by_rule));
    let (at_ms, step, from, by) = (9, Step(1), Step(2), By::Key);
    let command = Some(CommandId(command));
    SettingSet { at_ms, step, from, path, old, new, by, command, undoes: None }.into()
}

#[test]
fn a_fader_in_the_hands_of_the_rule_is_taken_back_by_a_touch() {
    let (mut view, mut run) = (view(DeskMode::Live), run());
    run.apply(&by_rule(false, 1));
    let switch = |by_rule| Assignment::setting("objective.pos.by_rule", Setting::Switch(by_rule));
    let handed = commands(press(&mut view, &run, &["3", "i"]));
    assert_eq!(handed, [switch(true).into()]);
    run.apply(&by_rule(true, 2));
    // The rule has set a share of 0.5.
    let mut step = arbitrary::step_done(2, "pos", 2.0);
    step.shares = BTreeMap::from([("pos".into(), 0.5)]);
    step.weights = BTreeMap::from([("pos".into(), 0.5)]);
    run.apply(&step.into());
    let touched = commands(press(&mut view, &run, &["l"]));
    let gain = |gain| Assignment::gain("pos".into(), gain);
    assert_eq!(touched, [Command::Set(vec![switch(false), gain(0.525)])]);
    assert_eq!(
        commands(press(&mut view, &run, &["0"])),
        [Command::Set(vec![switch(false), gain(1.0)])]
    );
    let typed = commands(press(&mut view, &run, &["w", "\"0.7", "enter"]));
    assert_eq!(typed, [Command::Set(vec![switch(false), gain(0.7)])]);
    // The same key takes it back where it is.
    assert_eq!(
        commands(press(&mut view, &run, &["i"])),
        [Command::Set(vec![switch(false), gain(0.5)])]
    );
    // A fade begins there.
    press(&mut view, &run, &["W"]);
    let Some(Overlay::Prompt(prompt)) = &view.overlay else { panic!("a prompt") };
    assert_eq!(prompt.line.text(), "0.5 over ");
    let fade = Assignment::fade("pos".into(), 0.1, 9);
    let faded = commands(press(
        &mut view,
        &run,
        &[
            "backspace",
            "backspace",
            "backspace",
            "backspace",
            "backspace",
            "backspace",
            "backspace",
            "backspace",
            "backspace",
            "\"0.1 over 9",
            "enter",
        ],
    ));
    assert_eq!(faded, [Command::Set(vec![switch(false), gain(0.5), fade])]);
    // A fader that the recipe leaves to the rule keeps its gain as a factor.
    assert_eq!(commands(press(&mut view, &run, &["1", "l"])), [set("chunk", 1.05)]);
}

#[test]
fn undo_makes_a_fader_again_what_the_recipe_has_made_it() {
    let (mut view, mut run) = (view(DeskMode::Live), run());
    // Taken from the rule by hand, and undone.
    run.apply(&by_rule(false, 1));
    let Event::SettingSet(undone) = by_rule(true, 2) else { panic!("a setting") };
    run.apply(&SettingSet { undoes: Some(CommandId(1)), ..undone }.into());
    assert_eq!(commands(press(&mut view, &run, &["3", "l"])), [set("pos", 1.05)]);
}
