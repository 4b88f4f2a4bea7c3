//! What holds for every sequence of events, also for those that no world could bring about.

use proptest::prelude::*;

use jumpstarter_proto::v1::ExporterStatus;

use super::{
    Action, Ended, Event, LeaseId, Life, Mode, OnFailure, Phase, Stopping, Timer, When, setup,
};

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "a", "b", "c"]).prop_map(str::to_owned)
}

fn event() -> impl Strategy<Value = Event> {
    let id = (1..4_u64).prop_map(LeaseId);
    let when = prop_oneof![Just(When::Before), Just(When::After)];
    let ended = prop_oneof![
        Just(Ended::Ok),
        Just(Ended::Failed("exit code 1".into())),
        Just(Ended::Unexpected("no pty".into())),
        Just(Ended::Killed),
    ];
    let timer = prop_oneof![
        Just(Timer::Opening),
        when.clone().prop_map(Timer::Overdue),
        when.clone().prop_map(Timer::Killed),
        Just(Timer::Settle),
        Just(Timer::Release),
    ];
    let status =
        (any::<bool>(), "[abc]?", "[xy]?").prop_map(|(leased, lease, client)| Event::Status {
            leased,
            lease,
            client,
        });
    let recovered = (name(), name(), any::<bool>()).prop_map(|(lease, client, after_started)| {
        Event::Recovered {
            lease,
            client,
            after_started,
        }
    });
    let how = prop_oneof![Just(Stopping::Now), Just(Stopping::AfterLease)];
    prop_oneof![
        2 => Just(Event::Start),
        1 => recovered,
        6 => status,
        4 => id.clone().prop_map(Event::SessionReady),
        1 => (id.clone(), Just("no device".to_owned()))
            .prop_map(|(id, why)| Event::SessionFailed(id, why)),
        6 => (id.clone(), when, ended).prop_map(|(id, when, ended)| {
            Event::HookEnded(id, when, ended)
        }),
        2 => id.clone().prop_map(Event::EndSession),
        2 => id.clone().prop_map(Event::Seen),
        4 => (id.clone(), timer).prop_map(|(id, timer)| Event::Timeout(id, timer)),
        3 => id.clone().prop_map(Event::Released),
        4 => id.prop_map(Event::Closed),
        1 => (how, 1..4_u8).prop_map(|(how, code)| Event::Stop { how, code }),
        1 => Just(Event::Gone),
    ]
}

fn failure() -> impl Strategy<Value = Option<OnFailure>> {
    proptest::option::of(prop_oneof![
        Just(OnFailure::Warn),
        Just(OnFailure::EndLease),
        Just(OnFailure::Exit),
    ])
}

fn play(mode: Mode, hooks: [Option<OnFailure>; 2], events: Vec<Event>) -> (Life, Vec<Action>) {
    let mut life = Life::new(setup(mode, hooks[0], hooks[1]));
    let mut done = life.on(Event::Start);
    for event in events {
        done.extend(life.on(event));
    }
    (life, done)
}

fn about(action: &Action) -> Option<LeaseId> {
    match action {
        Action::Open { id, .. }
        | Action::Client { id, .. }
        | Action::Release { id, .. }
        | Action::Run(id, _)
        | Action::Kill(id, _)
        | Action::Wait(id, _, _)
        | Action::Close(id) => Some(*id),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn actions_keep_their_order_whatever_comes_in(
        direct in any::<bool>(),
        before in failure(),
        after in failure(),
        events in proptest::collection::vec(event(), 0..80),
    ) {
        let mode = if direct { Mode::Direct } else { Mode::Controller };
        let (life, done) = play(mode, [before, after], events);

        let ids = done.iter().filter_map(about).collect::<Vec<_>>();
        prop_assert!(ids.is_sorted(), "an old lease is touched again");
        let mut open = None;
        let mut left = false;
        for (at, action) in done.iter().enumerate() {
            match action {
                Action::Open { id, .. } => {
                    prop_assert_eq!(open.replace(*id), None, "two sessions");
                }
                Action::Close(id) => prop_assert_eq!(open.take(), Some(*id), "closed twice"),
                Action::Run(id, _) => prop_assert_eq!(open, Some(*id), "a hook without a session"),
                Action::Offline => left = true,
                Action::Exit(_) => prop_assert_eq!(at + 1, done.len(), "the exit is the end"),
                Action::Report { .. } | Action::Show { .. } => {
                    prop_assert!(!left, "OFFLINE is the last status");
                }
                Action::Journal { .. } => prop_assert!(!direct),
                Action::Release { id, .. } => {
                    prop_assert!(!direct);
                    // What a dead process had begun to end is released without a session.
                    prop_assert_eq!(*open.get_or_insert(*id), *id);
                }
                _ => {}
            }
        }
        let exited = matches!(done.last(), Some(Action::Exit(_)));
        prop_assert_eq!(life.phase() == Phase::Over, exited);
        if life.phase() == Phase::Idle {
            prop_assert_eq!(open, None);
            prop_assert_eq!(life.status().0, ExporterStatus::Available);
        }
    }

    #[test]
    fn no_hook_runs_twice_for_a_lease(
        before in failure(),
        after in failure(),
        events in proptest::collection::vec(event(), 0..80),
    ) {
        let (_, done) = play(Mode::Controller, [before, after], events);
        let mut runs = Vec::new();
        for action in &done {
            if let Action::Run(id, when) = action {
                prop_assert!(!runs.contains(&(*id, *when)));
                prop_assert!(!(*when == When::Before && runs.contains(&(*id, When::After))));
                runs.push((*id, *when));
            }
        }
    }

    #[test]
    fn a_machine_that_is_over_stays_over(
        events in proptest::collection::vec(event(), 0..80),
        code in 1..4_u8,
    ) {
        let mut life = Life::new(setup(Mode::Controller, None, None));
        let stop = Event::Stop { how: Stopping::Now, code };
        prop_assert_eq!(life.on(stop), [Action::Exit(code)]);
        for event in events {
            prop_assert_eq!(life.on(event), []);
        }
    }
}
