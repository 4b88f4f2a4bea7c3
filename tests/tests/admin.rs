//! `jmp admin`: a lab's clients, exporters and leases, and the files that are written for them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use jumpstarter_tests::{Lab, Outcome, PATIENCE, Standalone, run};
use serde_json::Value;

/// Words that end with the path of a file.
fn with<'a>(words: &[&'a str], file: &'a Path) -> Vec<&'a str> {
    let mut all = words.to_vec();
    all.push(file.to_str().unwrap());
    all
}

/// What the Python package's own reader, which refuses what it does not know, finds in a file.
fn python(lab: &Lab, kind: &str, file: &Path) -> Value {
    let load = match kind {
        "client" => {
            "from jumpstarter.config.client import ClientConfigV1Alpha1 as C; c = C.from_file(path)"
        }
        _ => {
            "from jumpstarter.config.exporter import ExporterConfigV1Alpha1 as C; c = C.load_path(path)"
        }
    };
    let script = format!(
        "import json, sys, pathlib; path = pathlib.Path(sys.argv[1]); {load}; \
         print(c.model_dump_json(by_alias=True))"
    );
    let interpreter = lab.programs().python("python3").expect("run `make venv`");
    let mut command = lab.foreign(&interpreter);
    command.arg("-c").arg(script).arg(file);
    let read = run(&mut command, PATIENCE);
    read.succeeds();
    serde_json::from_str(read.stdout.lines().last().unwrap()).unwrap()
}

fn is_private(file: &Path) -> bool {
    fs::metadata(file).unwrap().permissions().mode() & 0o777 == 0o600
}

fn json(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.succeeds().stdout).unwrap()
}

/// Where `jmp` looks for files of its own.
fn home(lab: &Lab, name: &str) -> PathBuf {
    lab.folder("home").join(".config/jumpstarter").join(name)
}

#[test]
fn what_is_written_for_clients_is_what_they_read() {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let admin = |words: &[&str]| controller.jmp_admin(&lab, words);
    let made = admin(&["create", "client", "alice", "--save", "--allow", "a.*,b"]);
    made.succeeds()
        .prints("Creating client 'alice' in namespace 'lab'")
        .prints("Fetching client credentials")
        .prints("Client configuration successfully saved to ")
        .prints("NAME   ENDPOINT")
        .prints(&format!("alice  {}", controller.endpoint()));
    let file = home(&lab, "clients/alice.yaml");
    assert!(is_private(&file));
    let read = python(&lab, "client", &file);
    assert_eq!(
        read["metadata"],
        serde_json::json!({"namespace": "lab", "name": "alice"})
    );
    assert_eq!(read["endpoint"], controller.endpoint());
    assert_eq!(
        read["drivers"],
        serde_json::json!({"allow": ["a.*", "b"], "unsafe": false})
    );
    assert!(!read["tls"]["ca"].as_str().unwrap().is_empty());
    // The only one is the current one, and it works.
    let current = fs::read_to_string(home(&lab, "config.yaml")).unwrap();
    assert!(current.contains("current-client: alice"), "{current}");
    lab.jmp(["get", "exporters", "-o", "name"])
        .succeeds()
        .prints("board");

    let token = |file: &Path| python(&lab, "client", file)["token"].clone();
    let before = token(&file);
    admin(&["rotate", "client", "alice", "--save"])
        .succeeds()
        .prints("Token rotated for client 'alice'")
        .prints("Client configuration updated with new token");
    assert_ne!(token(&file), before);
    let other = lab.folder("other.yaml");
    admin(&with(&["rotate", "client", "alice", "--out"], &other)).succeeds();
    assert!(is_private(&other));
    // What else stands in the file goes with it.
    assert_eq!(python(&lab, "client", &other)["drivers"], read["drivers"]);
    admin(&with(&["rotate", "client", "tester", "--out"], &other))
        .fails(1)
        .complains("is the file of `alice`");
    admin(&["rotate", "client", "nobody"])
        .fails(1)
        .complains("Error from server (NotFound): ");

    admin(&["import", "client", "alice", "--nointeractive"])
        .fails(1)
        .complains("A client with the name 'alice' already exists");
    let third = lab.folder("third.yaml");
    let path = admin(&with(
        &[
            "import", "client", "alice", "--unsafe", "-o", "path", "--out",
        ],
        &third,
    ));
    path.succeeds();
    assert_eq!(Path::new(path.stdout.trim()), third);
    assert_eq!(python(&lab, "client", &third)["drivers"]["unsafe"], true);

    admin(&["delete", "client", "alice", "--delete"])
        .succeeds()
        .prints("Deleted client 'alice' in namespace 'lab'")
        .prints("Client configuration successfully deleted");
    assert!(!file.exists());
    let current = fs::read_to_string(home(&lab, "config.yaml")).unwrap();
    assert!(current.contains("current-client: null"), "{current}");
    let client = third.to_str().unwrap();
    let refused = lab.jmp(["get", "exporters", "--client-config", client]);
    refused.fails(1).never_says("eyJ");
}

#[test]
fn what_is_written_for_exporters_is_what_they_read() {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let admin = |words: &[&str]| controller.jmp_admin(&lab, words);
    let file = lab.folder("rack.yaml");
    let words = [
        "create", "exporter", "rack", "--label", "board=x", "-o", "name", "--out",
    ];
    let made = admin(&with(&words, &file));
    assert_eq!(
        made.succeeds().stdout.trim(),
        "exporter.jumpstarter.dev/rack"
    );
    assert!(is_private(&file));
    let read = python(&lab, "exporter", &file);
    assert_eq!(read["endpoint"], controller.endpoint());
    assert_eq!(read["export"], serde_json::json!({}));
    // Drivers that somebody adds stay there when the token is another.
    let text = fs::read_to_string(&file).unwrap();
    let drivers = "export: {power: {type: jumpstarter_driver_power.driver.MockPower}}";
    fs::write(&file, text.replace("export: {}", drivers)).unwrap();
    admin(&with(&["rotate", "exporter", "rack", "--out"], &file))
        .succeeds()
        .prints("Exporter configuration updated with new token");
    let again = python(&lab, "exporter", &file);
    assert_ne!(again["token"], read["token"]);
    assert!(again["export"]["power"].is_object());

    // A name alone is not enough: without labels nobody finds it.
    admin(&["create", "exporter", "bare"])
        .fails(2)
        .complains("Missing option");
    admin(&["create", "exporter", "-l", "a=b"])
        .fails(2)
        .complains("Missing required argument 'NAME'.");
    admin(&["create", "exporter", "odd", "-l", "board"])
        .fails(2)
        .complains("should be formatted as 'key=value'");
    admin(&["create", "exporter", "rack", "-l", "a=b", "--nointeractive"])
        .fails(1)
        .complains("Error from server (AlreadyExists): ");
    let deleted = admin(&[
        "delete",
        "exporter",
        "rack",
        "-o",
        "name",
        "--nointeractive",
    ]);
    assert_eq!(
        deleted.succeeds().stdout.trim(),
        "exporter.jumpstarter.dev/rack"
    );
}

#[test]
fn objects_are_shown_as_kubernetes_has_them() {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let admin = |words: &[&str]| {
        let mut command = lab.command("jmp");
        command
            .env("JMP_CONTROLLER_DATA", controller.data())
            .env("COLUMNS", "160");
        run(command.arg("admin").args(words), PATIENCE)
    };
    admin(&["get", "leases"])
        .succeeds()
        .prints("No resources found in lab namespace.");
    admin(&["get", "exporters"])
        .succeeds()
        .prints("NAME   STATUS   ENDPOINT");
    let clients = json(&admin(&["get", "clients", "-o", "json"]));
    assert_eq!(clients["kind"], "ClientList");
    assert_eq!(clients["items"][0]["metadata"]["name"], "tester");
    let board = json(&admin(&["get", "exporter", "board", "-o", "json"]));
    assert_eq!(board["kind"], "Exporter");
    assert_eq!(board["status"]["credential"]["name"], "board-exporter");
    assert_eq!(board["status"]["devices"], serde_json::json!([]));
    let words = [
        "create",
        "lease",
        "mine",
        "--client",
        "tester",
        "-l",
        "board=story",
        "--duration",
    ];
    admin(&[&words[..], &["90m"]].concat()).succeeds();
    let table = admin(&["get", "lease", "mine"]);
    table
        .succeeds()
        .prints("board:story")
        .prints("1h30m0s")
        .prints("InProgress");
    let lease = json(&admin(&["get", "lease", "mine", "-o", "json"]));
    assert_eq!(lease["spec"]["client"]["name"], "tester");
    assert_eq!(lease["spec"]["selector"]["matchLabels"]["board"], "story");
    assert_eq!(lease["status"]["conditions"][0]["type"], "Pending");
    let yaml = admin(&["get", "lease", "mine", "-o", "yaml"]);
    let parsed: Value = serde_yaml::from_str(&yaml.succeeds().stdout).unwrap();
    assert_eq!(parsed, lease);
    admin(&["delete", "lease", "mine"])
        .succeeds()
        .prints("Released lease 'mine' in namespace 'lab'");
    admin(&["get", "lease", "mine"])
        .succeeds()
        .prints("Ended")
        .prints("Released");
    let names = admin(&["get", "leases", "-o", "name"]);
    assert_eq!(names.succeeds().stdout.trim(), "lease.jumpstarter.dev/mine");
    admin(&["get", "client", "nobody"])
        .fails(1)
        .complains("Error from server (NotFound): ");
    admin(&["get", "client", "-n", "../x"])
        .fails(1)
        .complains("cannot be a name");
}

#[test]
fn an_administrator_works_from_another_machine() {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let data = controller.data();
    // Nothing of the controller's folder is known there.
    let afar = |words: &[&str]| lab.jmp([&["admin"], words].concat());
    afar(&["get", "clients"])
        .fails(1)
        .complains("no controller runs in")
        .complains("--server");
    let server = format!("https://{}", controller.endpoint());
    let (token, ca) = (lab.folder("admin.token"), data.join("ca/ca.pem"));
    controller
        .admin(with(&["user", "create", "admin", "--out"], &token))
        .succeeds();
    let way = ["--server", &server, "--token-file", token.to_str().unwrap()];
    let trust = ["--ca-file", ca.to_str().unwrap()];
    let get = ["get", "clients", "-o", "name"];
    afar(&[&get[..], &way, &trust].concat())
        .succeeds()
        .prints("client.jumpstarter.dev/tester");
    // Whoever does not know the authority talks to nobody.
    afar(&[&get[..], &way].concat()).fails(1).never_says("eyJ");
    afar(&[&get[..], &way[..2]].concat())
        .fails(2)
        .complains("needs '--token-file'");

    let conf = lab.folder("carol.conf");
    controller
        .admin(with(&["user", "create", "carol", "--kubeconfig"], &conf))
        .succeeds();
    assert!(is_private(&conf));
    let by = ["--kubeconfig", conf.to_str().unwrap()];
    let nothing = ["--nointeractive"];
    afar(&[&["create", "client", "bob"], &nothing[..], &by].concat()).succeeds();
    afar(&[&get[..], &by].concat())
        .succeeds()
        .prints("client.jumpstarter.dev/bob");
    afar(&[&get[..], &by, &["--context", "other"]].concat())
        .fails(1)
        .complains("no context `other` in it; there is: lab");
    let done = controller.admin(["audit", "client", "bob", "-o", "json"]);
    done.succeeds().prints("\"admin:carol\"");
    // She leaves.
    controller.admin(["user", "delete", "carol"]).succeeds();
    afar(&[&get[..], &by].concat())
        .fails(1)
        .complains("Error from server (Unauthorized): ")
        .never_says("eyJ");
    // A client is no administrator.
    let client = lab.file("tester.token", controller.tester().token());
    let way = [
        "--server",
        &server,
        "--token-file",
        client.to_str().unwrap(),
    ];
    afar(&[&get[..], &way, &trust].concat())
        .fails(1)
        .complains("Error from server (Forbidden): ")
        .never_says("eyJ");
}

#[test]
fn every_command_of_administrators_teaches_with_examples() {
    let lab = Lab::new();
    lab.jmp(["admin", "--help"]).succeeds().prints("Examples:");
    for (group, kinds) in [
        ("create", &["client", "exporter", "lease"][..]),
        ("delete", &["client", "exporter", "lease"]),
        ("get", &["client", "exporter", "lease"]),
        ("import", &["client", "exporter"]),
        ("rotate", &["client", "exporter"]),
    ] {
        for kind in kinds {
            let help = lab.jmp(["admin", group, kind, "--help"]);
            help.succeeds()
                .prints("Examples:\n  # ")
                .prints("jmp admin ");
            help.prints("--namespace").prints("--server");
        }
    }
}
