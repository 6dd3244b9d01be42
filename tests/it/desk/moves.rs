//! The effects of keys during training: each is an event of the journal, in force from the step
//! that it names.

use auxdesk::protocol::{
    By, Event, ObjectiveId, Scene,
    event::{GainSet, Reason, Setting, Split},
};

use super::{CTRL_R, CTRL_U, Desk, RunEnd, SIZE};
use crate::runs::{Here, whole_checkpoint};

fn gain_set(event: Event) -> GainSet {
    let Event::GainSet(set) = event else { panic!("{event:?}") };
    assert!(set.by == By::Key && set.command.is_some());
    assert_eq!(set.from, set.step.next(), "the next step to begin");
    set
}

#[test]
fn keys_change_a_gain_and_the_named_step_has_the_new_weight() {
    let here = Here::new();
    let mut desk = Desk::training(&here, SIZE, &[]);
    let mut old = 1.0;
    // Steps of a fifth and a quarter cancel.
    for (keys, new) in [
        ("l", 1.05),
        ("h", 1.0),
        ("L", 1.25),
        ("H", 1.0),
        ("\x1b[C", 1.05),
        ("0", 1.0),
        ("w0.8\r", 0.8),
        ("\x1b[1;2C", 1.0),
    ] {
        let set = gain_set(desk.done_by(keys));
        assert_eq!(set.objective.as_str(), "chunk");
        assert_eq!((set.old, set.new), (old, new), "{keys:?}");
        assert_eq!(desk.step(set.from.0).weights["chunk"], new, "{keys:?}");
        assert_eq!(desk.step(set.step.0).weights["chunk"], old, "{keys:?}");
        desk.pty.wait_for_text(&format!("to {new:.3}  from step {}, by key", set.from));
        old = new;
    }
    desk.quit();
    desk.ended(RunEnd::Stopped, Reason::Key);
}

#[test]
fn a_typed_fade_changes_the_gain_step_by_step() {
    let here = Here::new();
    let mut desk = Desk::training(&here, SIZE, &[]);
    let set = gain_set(desk.done_by("w0.2 over 4\r"));
    assert_eq!((set.old, set.new, set.over), (1.0, 0.2, Some(4)));
    let weights = (0..6).map(|at| desk.step(set.from.0 + at).weights["chunk"]);
    let weights: Vec<f32> = weights.collect();
    assert!(weights.windows(2).take(4).all(|pair| pair[0] > pair[1]), "{weights:?}");
    assert_eq!(weights[4..], [0.2, 0.2]);
    desk.quit();
}

#[test]
fn every_change_is_an_event_of_the_journal() {
    let here = Here::new();
    let mut desk = Desk::training(&here, SIZE, &[]);
    desk.press("2");
    let muted = |event: Event| match event {
        Event::Muted(event) => {
            assert_eq!((event.objective.as_str(), event.by), ("pos", By::Key));
            assert_eq!(event.from, event.step.next());
            (event.muted, event.undoes.is_some(), event.from.0)
        }
        event => panic!("{event:?}"),
    };
    let (is_muted, _, from) = muted(desk.done_by("m"));
    assert!(is_muted);
    let step = desk.step(from);
    assert!(step.weights["pos"] == 0.0 && !step.losses.contains_key("pos"));
    desk.pty.wait_for_text("MUTE");
    assert!(matches!(muted(desk.done_by("u")), (false, true, _)));
    assert!(matches!(muted(desk.done_by(CTRL_R)), (true, true, _)));
    assert!(matches!(muted(desk.done_by("m")), (false, false, _)));

    let soloed = |event: Event| match event {
        Event::Soloed(event) => (event.objective.to_string(), event.soloed, event.from.0),
        event => panic!("{event:?}"),
    };
    let (objective, is_soloed, from) = soloed(desk.done_by("s"));
    assert!(objective == "pos" && is_soloed);
    assert_eq!(desk.step(from).losses.keys().map(ObjectiveId::as_str).collect::<Vec<_>>(), ["pos"]);
    assert!(!soloed(desk.done_by("S")).1);

    let Event::SceneStored(scene) = desk.done_by("a") else { panic!("a scene") };
    assert_eq!((scene.scene, scene.by, scene.strips["pos"].gain), (Scene::A, By::Key, 0.5));
    assert_eq!(gain_set(desk.done_by("L")).new, 0.625);
    assert_eq!(gain_set(desk.done_by("A")).new, 0.5);
    let Event::SceneStored(scene) = desk.done_by("b") else { panic!("a scene") };
    assert_eq!(scene.scene, Scene::B);
    desk.quit();
}

#[test]
fn notes_checkpoints_evaluations_and_settings_are_events_of_the_journal() {
    let here = Here::new();
    let mut desk = Desk::training(&here, SIZE, &[]);
    let Event::Noted(note) = desk.done_by("ntry pos up, quickly\r") else { panic!("a note") };
    assert_eq!((note.text.as_str(), note.by), ("try pos up, quickly", By::Key));

    let Event::CheckpointSaved(saved) = desk.done_by("c") else { panic!("a checkpoint") };
    assert_eq!(saved.name, format!("step-{}", saved.step));
    assert_eq!(whole_checkpoint(&desk.run(), &saved.name).state.step(), saved.step);

    let before = desk.happened(0).len();
    desk.press("e");
    desk.pty.wait_for("every objective is scored", |_| desk.happened(before).len() == 4);
    for event in desk.happened(before) {
        let Event::Evaluated(scores) = event else { panic!("{event:?}") };
        assert!(scores.extra && scores.split == Split::Dev && scores.command.is_some());
    }

    let set = |event: Event| match event {
        Event::SettingSet(event) => {
            assert_eq!((event.by, event.from), (By::Key, event.step.next()));
            (event.path, event.old, event.new, event.from.0)
        }
        event => panic!("{event:?}"),
    };
    let (path, old, new, from) = set(desk.done_by("r0.001\r"));
    let number = Setting::Number;
    assert_eq!((path.as_str(), old, new), ("train.learning_rate", number(0.0005), number(0.001)));
    assert_eq!(desk.step(from).learning_rate, 0.001);
    let text = |text: &str| Setting::Text(text.to_owned());
    let (path, old, new, _) = set(desk.done_by(&format!("d{CTRL_U}fixed news=2\r")));
    assert_eq!((path.as_str(), old), ("train.sampling", text("proportional")));
    assert_eq!(new, text("fixed news=2"));
    let (_, _, back, _) = set(desk.done_by("u"));
    assert_eq!(back, text("proportional"));
    let (path, _, new, _) = set(desk.done_by("G2\r"));
    assert_eq!((path.as_str(), new), ("train.measure_gradients_every", number(2.0)));
    // Any other is chosen from the list.
    desk.press("p");
    desk.pty.wait_for_text("live settings");
    let (path, _, new, _) = set(desk.done_by("j\r2.5\r"));
    assert_eq!((path.as_str(), new), ("train.clip_norm", number(2.5)));
    let (_, _, new, _) = set(desk.done_by(&format!("pj\r{CTRL_U}none\r")));
    assert_eq!(new, text("none"));
    let (_, _, new, _) = set(desk.done_by("u"));
    assert_eq!(new, number(2.5));
    desk.pty.wait_for("gradients are measured", |_| {
        desk.events().iter().any(|event| matches!(event, Event::GradientsMeasured(_)))
    });
    desk.quit();
}

#[test]
fn training_is_paused_single_stepped_and_resumed() {
    let here = Here::new();
    let mut desk = Desk::training(&here, SIZE, &[]);
    let paused = |event: Event| match event {
        Event::Paused(event) => (event.step.0, event.by),
        event => panic!("{event:?}"),
    };
    let (step, by) = paused(desk.done_by(" "));
    assert_eq!(by, By::Key);
    desk.pty.wait_for_text("PAUSED");
    assert_eq!(desk.n_steps() as u64, step);
    // A change while training is paused is in force from the next step.
    let set = gain_set(desk.done_by("l"));
    assert_eq!((set.step.0, set.from.0), (step, step + 1));
    assert_eq!(paused(desk.done_by(">")).0, step + 1);
    assert_eq!(desk.step(step + 1).weights["chunk"], 1.05);
    assert_eq!(paused(desk.done_by(">")).0, step + 2);
    let Event::Resumed(resumed) = desk.done_by(" ") else { panic!("it goes on") };
    assert_eq!((resumed.step.0, resumed.by), (step + 2, By::Key));
    desk.trains_on();
    desk.quit();
}

#[test]
fn keys_that_arrive_together_all_take_effect() {
    let here = Here::new();
    let mut desk = Desk::training(&here, SIZE, &[]);
    // Paused, so that no answer comes between two of them.
    desk.pause();
    let before = desk.happened(0).len();
    desk.press("2mm1lll>");
    desk.pty.wait_for("they are applied", |_| {
        desk.happened(before).iter().any(|event| matches!(event, Event::Paused(_)))
    });
    let muted: Vec<bool> = desk.happened(before).iter().filter_map(is_muted).collect();
    assert_eq!(muted, [true, false]);
    // Three times a twentieth, each rounded to four digits.
    desk.pty.wait_for_text("to 1.157");

    let before = desk.happened(0).len();
    desk.press("uuu");
    desk.pty.wait_for("all is as it was", |_| desk.happened(before).len() == 3);
    let muted: Vec<bool> = desk.happened(before).iter().filter_map(is_muted).collect();
    assert_eq!(muted, [true, false], "the nudges, the unmute, the mute");
    desk.quit();
}

fn is_muted(event: &Event) -> Option<bool> {
    match event {
        Event::Muted(event) => Some(event.muted),
        _ => None,
    }
}

#[test]
fn a_read_only_desk_changes_nothing_and_says_why() {
    let here = Here::new();
    let mut desk = Desk::training(&here, SIZE, &["--observe"]);
    desk.pty.wait_for_text("OBSERVE");
    for keys in ["l", "m", " ", "n", ":mute\r"] {
        desk.press(keys);
        desk.pty.wait_for_text("read-only: started with --observe");
        desk.clear();
    }
    desk.trains_on();
    let kinds: Vec<_> = desk.happened(0).iter().map(Event::kind).collect();
    assert_eq!(kinds, ["run_started"]);
    desk.quit();
}
