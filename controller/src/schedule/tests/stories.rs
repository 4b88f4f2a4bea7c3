//! Decisions, one after the other.

use super::*;

#[test]
fn the_first_in_the_queue_is_served_first() {
    let lab = Lab::default()
        .exporter("a", "board=x")
        .exporter("b", "board=x")
        .lease("1", "board=x")
        .lease("2", "board=x")
        .lease("3", "board=x")
        .lease("4", "board=x");
    assert_eq!(
        lab.told(),
        ["1: a", "2: b", "3: NotAvailable 1", "4: NotAvailable 2"]
    );
}

#[test]
fn who_cannot_be_served_lets_others_pass() {
    let lab = Lab::default()
        .exporter("a", "board=x")
        .exporter("b", "board=y")
        .leased("a")
        .lease("1", "board=x")
        .lease("2", "board=y");
    assert_eq!(lab.told(), ["1: NotAvailable 1", "2: b"]);
}

#[test]
fn priority_comes_before_patience() {
    let lab = Lab::default()
        .exporter("a", "board=x")
        .client("alice", "team=apps")
        .client("ci", "team=ci")
        .policy("", vec![rule("team=apps", 1), rule("team=ci", 5)])
        .lease("1", "board=x")
        .lease("2", "board=x")
        .with(|lease| lease.owner = "ci".to_owned());
    assert_eq!(lab.told(), ["1: NotAvailable 1", "2: a"]);
}

#[test]
fn the_best_exporter_is_taken() {
    let lab = || {
        Lab::default()
            .exporter("a", "board=x")
            .exporter("b", "board=x")
            .exporter("c", "board=x,new=yes")
            .client("alice", "")
            .lease("1", "board=x")
    };
    assert_eq!(lab().told(), ["1: a"], "by name, when none was used");
    let mut used = lab();
    used.used = vec![("a", 5), ("b", 2), ("c", 3)];
    assert_eq!(used.told(), ["1: b"], "the one that rested longest");
    let preferred = lab()
        .policy("", vec![rule("", 0)])
        .policy("new=yes", vec![rule("", 3)]);
    assert_eq!(preferred.told(), ["1: c"], "the higher priority");
}

#[test]
fn every_reason_to_wait_has_its_words() {
    let lab = || {
        Lab::default()
            .exporter("a", "board=x")
            .exporter("b", "board=x")
            .lease("1", "board=x")
    };
    let mut offline = lab();
    offline
        .exporters
        .iter_mut()
        .for_each(|exporter| exporter.online = false);
    assert_eq!(offline.told(), ["1: Offline 1"]);
    assert_eq!(
        offline.sentence(),
        "There are 2 approved exporters (i.e. a), but none of them are online; this lease is next in \
         the queue"
    );
    let mut unregistered = lab();
    unregistered
        .exporters
        .iter_mut()
        .for_each(|exporter| exporter.devices.clear());
    assert_eq!(unregistered.told(), ["1: Offline 1"]);
    let busy = lab().leased("a").leased("b");
    assert_eq!(busy.told(), ["1: NotAvailable 1"]);
    assert!(
        busy.sentence()
            .contains("but all of them are already leased")
    );
    let mut cleaning = lab().leased("a");
    cleaning.exporters[1].reported = Some(Reported {
        status: ExporterStatus::AfterLeaseHook,
        message: String::new(),
    });
    assert_eq!(cleaning.told(), ["1: NotReady 1"]);
    assert!(cleaning.sentence().contains("none are ready"));
    cleaning.exporters[1].reported = None;
    assert_eq!(
        cleaning.told(),
        ["1: b"],
        "one that never says anything is ready"
    );
}

#[test]
fn what_cannot_be_had_is_refused() {
    let pin = |name: &str| {
        let name = name.to_owned();
        move |lease: &mut Lease| lease.pinned = Some(name)
    };
    let one = || Lab::default().exporter("a", "board=x");
    assert_eq!(one().lease("1", "").told(), ["1: InvalidSelector"]);
    assert_eq!(one().lease("1", "board=y").told(), ["1: NoAccess"]);
    assert_eq!(
        one().lease("1", "").with(pin("z")).told(),
        ["1: ExporterNotFound"]
    );
    assert_eq!(
        one().lease("1", "board=y").with(pin("a")).told(),
        ["1: SelectorMismatch"]
    );
    assert_eq!(one().lease("1", "board=x").with(pin("a")).told(), ["1: a"]);

    let disabled = || one().but(|exporter| exporter.enabled = false);
    assert_eq!(disabled().lease("1", "board=x").told(), ["1: AllDisabled"]);
    let pinned = disabled().lease("1", "").with(pin("a"));
    assert_eq!(pinned.told(), ["1: ExporterDisabled"]);
    for word in ["a is disabled", "allowDisabled", "--allow-disabled"] {
        assert!(pinned.sentence().contains(word), "{}", pinned.sentence());
    }
    let allowed = pinned.with(|lease| lease.allow_disabled = true);
    assert_eq!(allowed.told(), ["1: a"]);
}

#[test]
fn policies_say_no_and_why() {
    let lab = || {
        Lab::default()
            .exporter("a", "board=x")
            .exporter("b", "board=x")
            .client("alice", "team=apps")
            .lease("1", "board=x")
    };
    let nobody = lab().policy("", vec![Rule::default()]);
    assert_eq!(nobody.told(), ["1: NoAccess"]);
    assert!(!nobody.sentence().contains("Matching policies:"));

    let others = lab().policy(
        "",
        vec![rule("team=ci", 0), rule("team=qa", 0), rule("team=ci", 1)],
    );
    assert_eq!(
        others.sentence(),
        "There are 2 matching exporters, but none of them are approved by any policy. Matching \
         policies: for team=ci; for team=qa"
    );

    let mut short = rule("team=apps", 0);
    short.maximum = Some(Duration::from_secs(30));
    let short = lab().policy("", vec![short]);
    assert_eq!(short.told(), ["1: NoAccess"]);
    assert!(
        short.sentence().contains("for a shorter time only"),
        "{}",
        short.sentence()
    );
    let fits = short.with(|lease| lease.duration = Some(Duration::from_secs(30)));
    assert_eq!(fits.told(), ["1: a"]);

    let mut spot = rule("team=apps", 9);
    spot.spot = true;
    let only_spot = lab().policy("", vec![spot.clone()]);
    assert_eq!(only_spot.told(), ["1: SpotAccess"]);
    let both = lab().policy("", vec![spot, rule("team=apps", 0)]);
    assert_eq!(both.told(), ["1: a"]);

    let elsewhere = lab().policy("board=y", vec![rule("", 0)]);
    assert_eq!(elsewhere.told(), ["1: NoAccess"]);
}

#[test]
fn long_descriptions_are_cut_between_characters() {
    let mut wordy = rule("team=ci", 0);
    wordy.description = "ü".repeat(3000);
    let lab = Lab::default()
        .exporter("a", "board=x")
        .lease("1", "board=x")
        .policy("", vec![wordy]);
    let sentence = lab.sentence();
    assert!(sentence.ends_with("ü..."));
    assert!(sentence.len() < 4096 + 200);
}
