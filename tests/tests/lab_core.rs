//! A lab with our controller: who is in it, what is in it, and who may use it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use jumpstarter_tests::{
    Account, Cast, Controller, Lab, Make, Outcome, PATIENCE, Standalone, Station, both_clients,
    run, three_ways,
};

/// Drivers for an exporter whose file has none yet.
const POWER: &str = "export:\n  power: {type: jumpstarter_driver_power.driver.MockPower}\n";
const HOUR: &str = "1h";

three_ways![
    an_exporter_s_file_only_lacks_drivers,
    variables_are_enough_for_a_shell,
    an_exporter_is_had_by_its_name,
];

both_clients![
    everybody_is_made_by_administrators,
    tokens_are_exchanged_for_new_ones,
    only_the_authority_of_the_lab_is_trusted,
    leases_and_exporters_are_found_by_their_labels,
    long_lists_come_in_pages,
    a_table_says_when_a_lease_ends,
    a_lease_changes_hands,
    an_exporter_that_is_not_there_is_not_waited_for,
    whoever_is_deleted_is_gone_with_his_token,
];

fn board(lab: &Lab, controller: &Standalone, make: Make) -> Station {
    Station::start(lab, make, controller, "")
}

/// The name of a lease that was just made.
fn name(made: &Outcome) -> String {
    made.succeeds().stdout.trim().to_owned()
}

/// Whoever looks for nothing that is there is told so; the reference prints that elsewhere.
#[track_caller]
fn finds_nothing(outcome: &Outcome) {
    outcome.succeeds();
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(said.contains("No resources found."), "{outcome}");
}

#[test]
fn a_page_says_how_to_log_in() {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let page = controller.page("/");
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    for text in ["Jumpstarter", "jmp login", &controller.endpoint()] {
        assert!(page.contains(text), "no `{text}`: {page}");
    }
}

fn everybody_is_made_by_administrators(client: Make) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let machine = "dex:system:serviceaccount:lab:machine";
    let label = ["--label", "example.com/board=sim"];
    let file = lab.folder("bench.yaml").display().to_string();
    let admin = |words: &[&str]| controller.jmp_admin(&lab, words);
    for (kind, name, more) in [
        ("client", "person", &["--oidc-username", "dex:person"][..]),
        ("client", "machine", &["--oidc-username", machine]),
        ("client", "alice", &["--save", "--unsafe"]),
        ("exporter", "by-person", &["--oidc-username", "dex:bench"]),
        ("exporter", "by-machine", &["--oidc-username", machine]),
        ("exporter", "bench", &["--out", &file]),
    ] {
        let label = if kind == "exporter" { &label[..] } else { &[] };
        let words = ["create", kind, name, "--nointeractive"];
        admin(&[&words[..], label, more].concat()).succeeds();
        admin(&["get", kind]).succeeds().prints(name);
        admin(&["get", kind, name]).succeeds().prints(name);
        let only = admin(&["get", kind, name, "-o", "name"]);
        assert_eq!(only.stdout, format!("{kind}.jumpstarter.dev/{name}"));
        let again = admin(&[&words[..], label].concat());
        again.fails(1).complains("AlreadyExists");
    }
    Account::of(file.into());
    admin(&["get", "lease"]).succeeds();
    let mut list = client.command(&lab, "jmp");
    run(list.args(["config", "client", "list"]), PATIENCE)
        .succeeds()
        .prints("alice")
        .prints(&controller.endpoint());
    // The only client of a machine is the current one.
    let mut exporters = client.command(&lab, "jmp");
    exporters.args(["get", "exporters", "-l", "example.com/board=sim"]);
    run(&mut exporters, PATIENCE)
        .succeeds()
        .prints("by-machine");

    for (kind, name) in [
        ("client", "alice"),
        ("client", "person"),
        ("exporter", "bench"),
    ] {
        let words = ["delete", kind, name, "--delete", "--nointeractive"];
        admin(&words)
            .succeeds()
            .prints(&format!("Deleted {kind} '{name}'"));
        assert!(controller.about(&format!("/{kind}s/{name}")).is_none());
        admin(&words).fails(1).complains("NotFound");
    }
    assert!(
        !lab.folder("home/.config/jumpstarter/clients/alice.yaml")
            .exists()
    );
}

fn an_exporter_s_file_only_lacks_drivers(cast: Cast) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let bench = controller.exporter(&lab, "bench", &["--label", "example.com/board=sim"]);
    let bench = bench.with_drivers(POWER);
    let _station = bench.launch(&lab, cast.exporter);
    controller.wait_for("bench", "free", jumpstarter_tests::Seen::is_free);
    let mut shell = controller.tester().shell(&lab, cast.client);
    shell.args([
        "--selector",
        "example.com/board=sim",
        "--",
        "j",
        "power",
        "on",
    ]);
    run(&mut shell, PATIENCE).succeeds();
}

fn tokens_are_exchanged_for_new_ones(client: Make) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    // The reference's command writes to where it looks by itself, whatever file it was given.
    controller
        .admin(["client", "create", "alice", "--save"])
        .succeeds();
    let alice = Account::of(lab.folder("home/.config/jumpstarter/clients/alice.yaml"));
    let jmp = |words: &[&str]| {
        let mut command = client.command(&lab, "jmp");
        run(command.args(words).args(["--client", "alice"]), PATIENCE)
    };
    let mut tokens = vec![alice.token()];
    for _ in 0..2 {
        let rotated = jmp(&["auth", "rotate"]);
        rotated
            .succeeds()
            .prints("rotated")
            .never_says(&alice.token());
        assert!(!tokens.contains(&alice.token()), "the same token again");
        tokens.push(alice.token());
    }
    jmp(&["auth", "status"]).succeeds().prints("Valid");
    jmp(&["get", "exporters"]).succeeds().prints("board");
    // Administrators do the same from outside.
    let words = ["rotate", "client", "alice"];
    let admin = |more: &[&str]| controller.jmp_admin(&lab, [&words[..], more].concat());
    admin(&[]).succeeds().prints("Token rotated");
    assert_eq!(
        tokens.last(),
        Some(&alice.token()),
        "nobody asked for a file"
    );
    for _ in 0..2 {
        let file = alice.file().to_str().unwrap();
        let rotated = admin(&["--out", file]);
        rotated.succeeds().prints("updated with new token");
        assert!(!tokens.contains(&alice.token()), "the same token again");
        tokens.push(alice.token());
        alice
            .jmp(&lab, client, ["get", "exporters"])
            .succeeds()
            .prints("board");
    }
    let nobody = controller.jmp_admin(&lab, ["rotate", "client", "nobody"]);
    nobody.fails(1).complains("NotFound");
    controller
        .admin(["token", "revoke", "client", "alice"])
        .succeeds();
    let revoked = alice.jmp(&lab, client, ["get", "exporters"]);
    assert_ne!(revoked.code, 0, "{revoked}");
    revoked.never_says(&alice.token());
}

fn variables_are_enough_for_a_shell(cast: Cast) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let _station = board(&lab, &controller, cast.exporter);
    let access = controller.access();
    let mut shell = cast.client.command(&lab, "jmp");
    shell
        .env("JMP_NAMESPACE", access.namespace)
        .env("JMP_NAME", access.client.0)
        .env("JMP_ENDPOINT", access.endpoint)
        .env("JMP_TOKEN", access.client.1)
        .env("JMP_DRIVERS_ALLOW", "UNSAFE")
        .env("JUMPSTARTER_GRPC_INSECURE", "1")
        .args([
            "shell",
            "--selector",
            &access.selector,
            "--",
            "j",
            "power",
            "on",
        ]);
    run(&mut shell, PATIENCE).succeeds();
    controller.wait_free();
}

fn only_the_authority_of_the_lab_is_trusted(client: Make) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let tester = controller.tester();
    tester
        .jmp(&lab, client, ["get", "exporters"])
        .succeeds()
        .prints("board");
    let other = Lab::new();
    let stranger = Standalone::start(&other);
    let file = std::fs::read_to_string(tester.file()).unwrap();
    let wrong = file.replace(&tester.ca(), &stranger.tester().ca());
    std::fs::write(tester.file(), wrong).unwrap();
    let refused = tester.jmp(&lab, client, ["get", "exporters"]);
    assert_ne!(refused.code, 0, "{refused}");
    let log = controller.log();
    assert!(!log.contains("authentication failed"), "{log}");
}

fn leases_and_exporters_are_found_by_their_labels(client: Make) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    controller.exporter(
        &lab,
        "other",
        &["--label", "board=other", "--label", "big=true"],
    );
    let tester = controller.tester();
    let jmp = |words: &[&str]| tester.jmp(&lab, client, words);
    let lease = |selector: &str, more: &[&str]| {
        let words = [
            "create",
            "lease",
            "--duration",
            HOUR,
            "-o",
            "name",
            "-l",
            selector,
        ];
        name(&jmp(&[&words[..], more].concat()))
    };
    let story = lease("board=story", &["--tag", "build=12"]);
    let other = lease("board=other,big", &[]);
    let not = lease("!nonexistent", &[]);

    for (selector, hits) in [
        ("!big", &["board"][..]),
        ("board in (story,other),big=true", &["other"]),
        ("board", &["board", "other"]),
    ] {
        let found = jmp(&["get", "exporters", "-o", "name", "-l", selector]);
        let found: Vec<_> = found.succeeds().stdout.lines().map(bare).collect();
        assert_eq!(found, hits, "{selector}");
    }
    finds_nothing(&jmp(&["get", "exporters", "-l", "board=none"]));
    for (selector, hit) in [
        ("board=story", &story),
        ("board=other,big", &other),
        ("big", &other),
    ] {
        let found = jmp(&["get", "leases", "-o", "name", "-l", selector]);
        let found: Vec<_> = found.succeeds().stdout.lines().map(bare).collect();
        assert_eq!(found, [bare(hit)], "{selector}");
    }
    // Ours finds those, too, whose labels say so without words.
    let found = jmp(&["get", "leases", "-o", "name", "-l", "!nonexistent"]);
    assert!(found.stdout.lines().map(bare).any(|hit| hit == bare(&not)));
    finds_nothing(&jmp(&["get", "leases", "-l", "board=none"]));
    finds_nothing(&jmp(&["get", "leases", "-l", "board=story,big"]));
    let tagged = jmp(&["get", "leases", "-o", "name", "--tag-filter", "build=12"]);
    assert_eq!(bare(tagged.stdout.trim()), bare(&story));
    let shown = jmp(&["get", "leases", "-o", "yaml"]);
    shown.prints("'!nonexistent'").prints("big,board=other");
    let all = jmp(&["delete", "leases", "--all"]);
    all.succeeds();
    finds_nothing(&jmp(&["get", "leases"]));
    assert!(controller.open_leases().is_empty());
    let past = jmp(&["get", "leases", "--all", "-o", "name"]);
    assert_eq!(past.succeeds().stdout.lines().count(), 3, "{past}");
}

/// A name without what kind of thing it is of.
fn bare(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

#[test]
fn what_a_lease_is_about_comes_back() {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let tester = controller.tester();
    let pairs = [
        "--context",
        "pipeline=nightly",
        "--context",
        "commit=0a1b2c",
    ];
    let words = [
        "create",
        "lease",
        "-l",
        "board=story",
        "--duration",
        HOUR,
        "-o",
        "yaml",
    ];
    tester
        .jmp(&lab, Make::Ours, [&words[..], &pairs].concat())
        .succeeds()
        .prints("pipeline: nightly")
        .prints("commit: 0a1b2c");
    let listed = tester.jmp(&lab, Make::Ours, ["get", "leases", "-o", "yaml"]);
    listed.prints("pipeline: nightly");
    // The reference's client knows nothing of it, and minds nothing.
    let listed = tester.jmp(&lab, Make::Reference, ["get", "leases", "-o", "yaml"]);
    listed.succeeds().prints("board=story");
}

fn long_lists_come_in_pages(client: Make) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    for number in 0..10 {
        let name = format!("page-{number}");
        let words = ["exporter", "create", &name, "--label", "pagination=true"];
        controller.admin(words).succeeds();
        let words = [
            "lease",
            "create",
            "tester",
            "-l",
            "pagination=true",
            "-d",
            HOUR,
        ];
        controller.admin(words).succeeds();
    }
    let tester = controller.tester();
    let count = |what: &str| match client {
        Make::Ours => {
            let words = [
                "get",
                what,
                "-l",
                "pagination=true",
                "--page-size",
                "5",
                "-o",
                "name",
            ];
            let found = tester.jmp(&lab, client, words);
            found.succeeds().stdout.lines().count()
        }
        // Its command has no such option, but its library has.
        Make::Reference => {
            let script = format!(
                "from jumpstarter.config.client import ClientConfigV1Alpha1 as Config\n\
                 config = Config.from_file({:?})\n\
                 print(len(config.list_{what}(page_size=5, filter='pagination=true').{what}))\n",
                tester.file()
            );
            let mut python = client.command(&lab, "python3");
            let counted = run(python.args(["-c", &script]), PATIENCE);
            counted.succeeds().stdout.trim().parse().unwrap()
        }
    };
    assert_eq!((count("exporters"), count("leases")), (10, 10));
}

fn a_table_says_when_a_lease_ends(client: Make) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let _station = board(&lab, &controller, Make::Ours);
    controller.lease(std::time::Duration::from_secs(3600));
    let listed = controller.tester().jmp(&lab, client, ["get", "leases"]);
    listed.succeeds();
    let mut lines = listed.stdout.lines();
    let head = lines.next().unwrap();
    let row = lines.next().unwrap();
    for column in ["EXPIRES AT", "REMAINING"] {
        let at = head
            .find(column)
            .unwrap_or_else(|| panic!("no {column}: {listed}"));
        let cell = row.get(at..).unwrap_or_default();
        assert!(
            cell.starts_with(|c: char| c.is_ascii_digit()),
            "{column}: {listed}"
        );
    }
}

fn a_lease_changes_hands(client: Make) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let _station = board(&lab, &controller, Make::Ours);
    let (alice, bob) = (
        controller.tester(),
        controller.client(&lab, "bob", &["--unsafe"]),
    );
    let words = [
        "create",
        "lease",
        "-l",
        "board=story",
        "--duration",
        HOUR,
        "-o",
        "name",
    ];
    let lease = name(&alice.jmp(&lab, client, words));
    controller.wait_until("leased", |seen| seen.lease.as_deref() == Some(&lease));
    let not_his = bob.jmp(&lab, client, ["delete", "leases", &lease]);
    assert_ne!(not_his.code, 0, "{not_his}");
    let handed = alice.jmp(
        &lab,
        client,
        ["update", "lease", &lease, "--to-client", "bob"],
    );
    handed.succeeds().prints("bob");
    let not_hers = alice.jmp(&lab, client, ["delete", "leases", &lease]);
    assert_ne!(not_hers.code, 0, "{not_hers}");
    assert_eq!(controller.seen().lease.as_deref(), Some(&*lease));
    bob.jmp(&lab, client, ["delete", "leases", &lease])
        .succeeds();
    controller.wait_free();
}

fn an_exporter_is_had_by_its_name(cast: Cast) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let _station = board(&lab, &controller, cast.exporter);
    let tester = controller.tester();
    for selector in [&[][..], &["--selector", "board=story"]] {
        let mut shell = tester.shell(&lab, cast.client);
        shell
            .args(["--name", "board"])
            .args(selector)
            .args(["--", "j", "power", "on"]);
        run(&mut shell, PATIENCE).succeeds();
        controller.wait_free();
    }
}

fn an_exporter_that_is_not_there_is_not_waited_for(client: Make) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let mut shell = controller.tester().shell(&lab, client);
    shell.args(["--name", "missing", "--", "true"]);
    let refused = run(&mut shell, PATIENCE);
    assert_ne!(refused.code, 0, "{refused}");
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(
        said.contains("cannot be satisfied") && said.contains("missing"),
        "{refused}"
    );
    assert!(controller.open_leases().is_empty());
}

fn whoever_is_deleted_is_gone_with_his_token(client: Make) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let alice: Account = controller.client(&lab, "alice", &["--unsafe"]);
    alice.jmp(&lab, client, ["get", "exporters"]).succeeds();
    controller.admin(["client", "delete", "alice"]).succeeds();
    assert!(controller.about("/clients/alice").is_none());
    let gone = alice.jmp(&lab, client, ["get", "exporters"]);
    assert_ne!(gone.code, 0, "{gone}");
    // The name alone does not bring the old token back.
    let token = alice.token();
    let again = controller.client(&lab, "alice", &["--unsafe"]);
    again.jmp(&lab, client, ["get", "exporters"]).succeeds();
    again.change_token(&token);
    let gone = again.jmp(&lab, client, ["get", "exporters"]);
    assert_ne!(gone.code, 0, "{gone}");

    let mut station = board(&lab, &controller, Make::Ours);
    assert!(station.runs());
    controller.admin(["exporter", "delete", "board"]).succeeds();
    assert!(controller.about("/exporters/board").is_none());
    finds_nothing(&controller.tester().jmp(&lab, client, ["get", "exporters"]));
}
