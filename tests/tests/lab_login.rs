//! Somebody else says who people are: `jmp login`, and what comes after it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use jumpstarter_tests::{
    Account, Cast, Issuer, Lab, Make, Outcome, PATIENCE, Seen, Settings, Standalone, both_clients,
    run, three_ways,
};

const POWER: &str = "export:\n  power: {type: jumpstarter_driver_power.driver.MockPower}\n";
/// What a cluster calls the accounts of its machines.
const MACHINE: &str = "system:serviceaccount:lab:ci";

three_ways![everybody_has_a_place];

both_clients![
    a_password_is_enough,
    strangers_get_a_client_of_their_own,
    a_machine_brings_its_own_token,
    the_login_service_knows_the_rest,
    an_old_token_is_renewed_without_a_word,
];

/// A controller that trusts an identity provider.
struct Stand {
    lab: Lab,
    issuer: Issuer,
    controller: Standalone,
    /// Both of their authorities.
    trusted: PathBuf,
}

// === impl Stand ===

impl Stand {
    fn new() -> Self {
        let lab = Lab::new();
        let issuer = Issuer::start(&lab);
        let controller = Settings::default().trusting(&issuer).start(&lab);
        let authorities = [issuer.ca(), &controller.data().join("ca/ca.pem")]
            .map(|file| fs::read_to_string(file).unwrap());
        let trusted = lab.file("trusted.pem", authorities.concat());
        Self {
            lab,
            issuer,
            controller,
            trusted,
        }
    }

    fn admin(&self, words: &[&str]) {
        self.controller.admin(words).succeeds();
    }

    fn jmp(&self, make: Make, words: &[&str]) -> Command {
        let mut command = make.command(&self.lab, "jmp");
        command.env("SSL_CERT_FILE", &self.trusted).args(words);
        command
    }

    /// `jmp login` at the controller's own port, to its end.
    fn login(&self, make: Make, words: &[&str]) -> Outcome {
        let mut command = self.jmp(make, &["login", "--nointeractive"]);
        run(command.args(words), PATIENCE)
    }

    /// What of a login concerns this lab, without its login service.
    fn by_hand(&self) -> [String; 7] {
        let endpoint = self.controller.endpoint();
        let issuer = self.issuer.url();
        [
            "--namespace",
            "lab",
            "--insecure-tls",
            "--endpoint",
            &endpoint,
            "--issuer",
            issuer,
        ]
        .map(ToOwned::to_owned)
    }

    /// An exporter that has logged in as `user`, and got its drivers then.
    fn exporter(&self, make: Make, name: &str, words: &[&str]) -> Account {
        let file = self.lab.folder(&format!("exporter-{name}.yaml"));
        let target = format!("{name}@{}", self.controller.endpoint());
        let mut login = self.jmp(make, &["login", &target, "--nointeractive"]);
        login.arg("--exporter-config").arg(&file).args(words);
        run(&mut login, PATIENCE).succeeds();
        // Whatever else is in it, drivers are not.
        let text = fs::read_to_string(&file).unwrap();
        let text = text.replace("export: {}\n", "");
        fs::write(&file, format!("{text}{POWER}")).unwrap();
        Account::of(file)
    }
}

fn config(lab: &Lab, client: &str) -> serde_yaml::Value {
    let file = format!("home/.config/jumpstarter/clients/{client}.yaml");
    read(&lab.folder(&file))
}

fn read(file: &Path) -> serde_yaml::Value {
    serde_yaml::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn a_password_is_enough(client: Make) {
    let stand = Stand::new();
    stand.admin(&["client", "create", "alice", "--oidc-username", "dex:alice"]);
    stand.issuer.knows("alice", "open sesame");
    let target = format!("alice@{}", stand.controller.endpoint());
    let wrong = stand.login(
        client,
        &[
            &target,
            "--unsafe",
            "--username",
            "alice",
            "--password",
            "open barley",
        ],
    );
    assert_ne!(wrong.code, 0, "{wrong}");
    wrong.never_says("open barley");
    let right = stand.login(
        client,
        &[
            &target,
            "--unsafe",
            "--username",
            "alice",
            "--password",
            "open sesame",
        ],
    );
    right.succeeds();
    let file = config(&stand.lab, "alice");
    assert_eq!(file["tls"]["insecure"], false);
    assert_eq!(file["metadata"]["name"], "alice");
    // The file alone is enough from here on.
    let mut list = stand.jmp(client, &["get", "exporters", "--client", "alice"]);
    run(&mut list, PATIENCE).succeeds().prints("board");
    // She is not somebody else, even though her token is good.
    let path = stand
        .lab
        .folder("home/.config/jumpstarter/clients/alice.yaml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("name: alice", "name: tester")).unwrap();
    let refused = run(&mut list, PATIENCE);
    assert_ne!(refused.code, 0, "{refused}");
}

fn strangers_get_a_client_of_their_own(client: Make) {
    let stand = Stand::new();
    stand.issuer.knows("New.User@example.com", "secret");
    let by_hand = stand.by_hand();
    let mut words: Vec<&str> = by_hand.iter().map(String::as_str).collect();
    words.extend(["--client", "stranger", "--name", "", "--unsafe"]);
    words.extend(["--username", "New.User@example.com", "--password", "secret"]);
    stand.login(client, &words).succeeds();
    assert!(
        stand
            .controller
            .about("/clients/new-user-example-com")
            .is_none()
    );
    let mut list = stand.jmp(client, &["get", "exporters", "--client", "stranger"]);
    run(&mut list, PATIENCE).succeeds().prints("board");
    let known = stand
        .controller
        .about("/clients/new-user-example-com")
        .unwrap();
    assert_eq!(known["username"], "dex:New.User@example.com");
    assert_eq!(known["provisioned"], true);
}

fn a_machine_brings_its_own_token(client: Make) {
    let stand = Stand::new();
    let username = format!("dex:{MACHINE}");
    stand.admin(&["client", "create", "runner", "--oidc-username", &username]);
    let own = stand.issuer.machine(MACHINE);
    let target = format!("runner@{}", stand.controller.endpoint());
    let login = stand.login(
        client,
        &[
            &target,
            "--unsafe",
            "--token",
            &own,
            "--connector-id",
            "kubernetes",
        ],
    );
    login.succeeds().never_says(&own);
    let mut list = stand.jmp(client, &["get", "exporters", "--client", "runner"]);
    run(&mut list, PATIENCE).succeeds().prints("board");
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    assert_eq!(stand.issuer.grants(), [exchange]);
    // Nobody makes clients for machines, which could choose any name.
    let path = stand
        .lab
        .folder("home/.config/jumpstarter/clients/runner.yaml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("name: runner", "name: nobody-yet")).unwrap();
    let refused = run(&mut list, PATIENCE);
    assert_ne!(refused.code, 0, "{refused}");
    assert!(stand.controller.about("/clients/nobody-yet").is_none());
}

fn the_login_service_knows_the_rest(client: Make) {
    let stand = Stand::new();
    stand.issuer.knows("alice", "secret");
    let target = format!("alice@http://{}", stand.controller.login());
    let password = ["--unsafe", "--username", "alice", "--password", "secret"];
    let careful = stand.login(client, &[&[&*target], &password[..]].concat());
    assert_ne!(careful.code, 0, "{careful}");
    let login = stand.login(
        client,
        &[&[&*target, "--insecure-tls"], &password[..]].concat(),
    );
    login.succeeds().prints("Set 'alice' as the default client");
    let file = config(&stand.lab, "alice");
    assert!(
        file["tls"]["ca"].as_str().is_some_and(|ca| !ca.is_empty()),
        "{file:?}"
    );
    assert_eq!(file["endpoint"], *stand.controller.endpoint());
    let user = read(&stand.lab.folder("home/.config/jumpstarter/config.yaml"));
    assert_eq!(user["config"]["current-client"], "alice");
    run(&mut stand.jmp(client, &["get", "exporters"]), PATIENCE)
        .succeeds()
        .prints("board");
}

fn an_old_token_is_renewed_without_a_word(client: Make) {
    let stand = Stand::new();
    stand.issuer.knows("alice", "secret");
    stand.issuer.lasting(Duration::from_secs(1));
    let target = format!("alice@{}", stand.controller.endpoint());
    let words = [
        &*target,
        "--unsafe",
        "--username",
        "alice",
        "--password",
        "secret",
    ];
    stand.login(client, &words).succeeds();
    let given = SystemTime::now();
    stand.issuer.lasting(Duration::from_secs(3600));
    while given.elapsed().unwrap() < Duration::from_secs(2) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut list = stand.jmp(client, &["get", "exporters", "--client", "alice"]);
    let first = run(&mut list, PATIENCE);
    // The reference renews it and asks for the command to be repeated.
    if first.code != 0 {
        assert_eq!(client, Make::Reference, "{first}");
        run(&mut list, PATIENCE).succeeds().prints("board");
    }
    assert_eq!(stand.issuer.grants(), ["password", "refresh_token"]);
    assert!(stand.controller.log().contains("token is expired"));
}

/// Three exporters and four clients, each known in another way, and everybody meets.
fn everybody_has_a_place(cast: Cast) {
    let stand = Stand::new();
    let Stand {
        lab,
        issuer,
        controller,
        ..
    } = &stand;
    let machine = "system:serviceaccount:lab:bench";
    let by_machine = format!("dex:{machine}");
    for (name, how) in [
        ("by-password", &["--oidc-username", "dex:by-password"][..]),
        ("by-machine", &["--oidc-username", &by_machine]),
    ] {
        let label = format!("example.com/board={name}");
        let words = ["exporter", "create", name, "--label", &label];
        stand.admin(&[&words[..], how].concat());
    }
    issuer.knows("by-password", "secret");
    let password = ["--username", "by-password", "--password", "secret"];
    let own = issuer.machine(machine);
    let exchange = ["--token", &own, "--connector-id", "kubernetes"];
    let label = ["--label", "example.com/board=by-administrator"];
    let exporters = [
        (
            "by-password",
            stand.exporter(cast.exporter, "by-password", &password),
        ),
        (
            "by-machine",
            stand.exporter(cast.exporter, "by-machine", &exchange),
        ),
        (
            "by-administrator",
            controller
                .exporter(lab, "by-administrator", &label)
                .with_drivers(POWER),
        ),
    ];
    let _stations: Vec<_> = exporters
        .iter()
        .map(|(_, account)| account.launch(lab, cast.exporter))
        .collect();
    for (name, _) in &exporters {
        controller.wait_for(name, "free", Seen::is_free);
    }

    let username = format!("dex:{MACHINE}");
    stand.admin(&["client", "create", "alice", "--oidc-username", "dex:alice"]);
    stand.admin(&["client", "create", "runner", "--oidc-username", &username]);
    stand.admin(&["client", "create", "bob", "--save", "--unsafe"]);
    issuer.knows("alice", "secret");
    issuer.knows("stranger", "secret");
    let own = issuer.machine(MACHINE);
    let endpoint = controller.endpoint();
    for (name, how) in [
        (
            "alice",
            &["--username", "alice", "--password", "secret"][..],
        ),
        ("runner", &["--token", &own]),
        (
            "stranger",
            &["--username", "stranger", "--password", "secret"],
        ),
    ] {
        let target = format!("{name}@{endpoint}");
        let words = [&[&*target, "--unsafe"], how].concat();
        stand.login(cast.client, &words).succeeds();
    }
    let clients = ["alice", "runner", "stranger", "bob"];
    let boards = [
        "by-password",
        "by-machine",
        "by-administrator",
        "by-password",
    ];
    for (client, board) in clients.into_iter().zip(boards) {
        let selector = format!("example.com/board={board}");
        let words = ["shell", "--client", client, "--selector", &selector];
        let mut shell = stand.jmp(cast.client, &words);
        run(shell.args(["--", "j", "power", "on"]), PATIENCE).succeeds();
    }
    assert!(controller.about("/clients/stranger").unwrap()["provisioned"] == true);
}
