//! Administrators' commands.

use crate::lab::{Lab, mode};

#[test]
fn a_lab_is_made_once_and_for_nobody_else_to_read() {
    let mut lab = Lab::new();
    for (name, expected) in [
        ("data", 0o700),
        ("data/keys", 0o700),
        ("data/ca", 0o700),
        ("data/ca/ca-key.pem", 0o600),
        ("data/router.key", 0o600),
        ("data/admin.token", 0o600),
    ] {
        assert_eq!(mode(&lab.path(name)), expected, "{name}");
    }
    assert!(lab.fails(&["init"]).contains("already"));
    assert!(lab.works(&["check"]).contains("ok (namespace lab"));
    lab.start();
    assert_eq!(mode(&lab.path("data/admin.sock")), 0o600);
    assert!(lab.stop().success());
    assert!(!lab.path("data/admin.sock").exists());
}

/// The same commands with a controller that runs, and without.
#[test]
fn objects_are_made_shown_changed_and_deleted() {
    let mut lab = Lab::new();
    for runs in [false, true] {
        if runs {
            lab.start();
        }
        lab.works(&[
            "client",
            "create",
            "alice",
            "-l",
            "team=a",
            "--oidc-username",
            "dex:alice",
        ]);
        let told = lab.fails(&["client", "create", "alice"]);
        assert!(told.contains("Error from server (AlreadyExists)"), "{told}");
        let shown = lab.works(&["client", "label", "alice", "team-", "room=7"]);
        assert!(
            shown.contains("room=7") && !shown.contains("team"),
            "{shown}"
        );
        assert_eq!(
            lab.works(&["client", "get", "alice", "-o", "name"]),
            "client.jumpstarter.dev/alice\n"
        );
        lab.works(&["exporter", "create", "board", "-l", "board=rpi"]);
        assert!(
            lab.works(&["exporter", "disable", "board"])
                .contains("Disabled")
        );
        assert!(
            !lab.works(&["exporter", "enable", "board"])
                .contains("Disabled")
        );
        let token = lab.works(&["token", "issue", "client", "alice"]);
        assert_eq!(token.trim().split('.').count(), 3);
        lab.works(&["token", "rotate", "client", "alice", "--grace", "1h"]);
        let listed = lab.works(&["token", "list", "client", "alice"]);
        assert!(listed.contains("good until"), "{listed}");
        assert!(
            lab.works(&["token", "revoke", "client", "alice"])
                .contains("Revoked 2")
        );
        lab.works(&[
            "lease",
            "create",
            "alice",
            "-l",
            "board=rpi",
            "-d",
            "1h",
            "--name",
            "mine",
        ]);
        assert!(lab.works(&["lease", "get"]).contains("Pending"));
        lab.works(&["lease", "release", "mine"]);
        lab.works(&["client", "delete", "alice"]);
        lab.works(&["exporter", "delete", "board"]);
        let told = lab.fails(&["client", "get", "alice"]);
        assert!(told.contains("Error from server (NotFound)"), "{told}");
        assert!(
            lab.fails(&["client", "get", "../x"])
                .contains("cannot be a name")
        );
        // Names of leases are never free again.
        lab.works(&["client", "create", "alice"]);
        let again = [
            "lease", "create", "alice", "-l", "a=b", "-d", "1h", "--name", "mine",
        ];
        assert!(lab.fails(&again).contains("AlreadyExists"));
        lab.works(&["client", "delete", "alice"]);
        if !runs {
            // The second round needs the name.
            lab = Lab::new();
        }
    }
}

#[test]
fn policies_are_those_of_the_reference() {
    let lab = Lab::started();
    let policy = "apiVersion: jumpstarter.dev/v1alpha1\nkind: ExporterAccessPolicy\n\
        metadata: {name: team}\nspec:\n  exporterSelector: {matchLabels: {board: rpi}}\n\
        \x20 policies:\n  - description: the team\n    priority: 5\n    maximumDuration: 2h0m0s\n\
        \x20   from: [{clientSelector: {matchLabels: {team: a}}}]\n";
    let path = lab.path("policy.yaml");
    std::fs::write(&path, policy).unwrap();
    let path = path.to_str().unwrap();
    assert!(
        lab.works(&["policy", "apply", path])
            .contains("team applied")
    );
    let shown = lab.works(&["policy", "get", "team", "-o", "json"]);
    assert!(shown.contains("\"maximumDuration\": \"2h0m0s\""), "{shown}");
    std::fs::write(path, policy.replace("2h0m0s", "2 days")).unwrap();
    let told = lab.fails(&["policy", "apply", path]);
    assert!(told.contains("policies[0].maximumDuration"), "{told}");
    lab.works(&["policy", "delete", "team"]);
}

#[test]
fn an_administrator_works_from_elsewhere_until_he_is_deleted() {
    let lab = Lab::started();
    let server = format!("https://127.0.0.1:{}", lab.ports.grpc);
    let (token, ca) = (lab.path("data/admin.token"), lab.path("data/ca/ca.pem"));
    let from_afar = [
        "--server",
        &server,
        "--token-file",
        token.to_str().unwrap(),
        "--ca-file",
        ca.to_str().unwrap(),
        "client",
        "create",
        "bob",
    ];
    lab.works(&from_afar);
    assert!(lab.works(&["client", "get"]).contains("bob"));
    // A client's token is none of an administrator's.
    let clients = lab.works(&["token", "issue", "client", "bob"]);
    std::fs::write(lab.path("bob.token"), clients).unwrap();
    let mut as_bob = from_afar;
    let path = lab.path("bob.token");
    as_bob[3] = path.to_str().unwrap();
    let told = lab.fails(&as_bob);
    assert!(told.contains("(Forbidden)"), "{told}");
    lab.works(&["user", "delete", "admin"]);
    let told = lab.fails(&from_afar);
    assert!(told.contains("revoked"), "{told}");
    assert!(!told.contains("eyJ"), "{told}");
}

#[test]
fn a_backup_is_a_lab() {
    let lab = Lab::started();
    lab.works(&["client", "create", "alice"]);
    let (backup, restored) = (lab.path("backup"), lab.path("restored"));
    let (backup, restored) = (backup.to_str().unwrap(), restored.to_str().unwrap());
    lab.works(&["backup", backup]);
    assert!(lab.fails(&["backup", backup]).contains("already"));
    lab.works(&["--data-dir", restored, "restore", backup]);
    assert!(
        lab.works(&["--data-dir", restored, "client", "get"])
            .contains("alice")
    );
    assert_eq!(mode(&lab.path("restored/ca/ca-key.pem")), 0o600);
    let exported = lab.path("lab.json");
    std::fs::write(&exported, lab.works(&["export"])).unwrap();
    let other = Lab::new();
    let exported = exported.to_str().unwrap();
    assert!(
        other
            .works(&["import", exported])
            .contains("client lab/alice created")
    );
    assert!(other.works(&["client", "get"]).contains("alice"));
    assert_eq!(other.works(&["import", exported]), "");
}

#[test]
fn mistakes_in_the_configuration_are_told_before_anything_is_touched() {
    let lab = Lab::new();
    std::fs::write(
        lab.path("lab.yaml"),
        "namespac: x\nlisten: {grpc: nowhere}\n",
    )
    .unwrap();
    let told = lab.fails(&["run"]);
    assert!(told.contains("2 mistakes"), "{told}");
    assert!(
        told.contains("lab.yaml:1: namespac: unknown key, did you mean `namespace`?"),
        "{told}"
    );
    let elsewhere = lab.path("nothing");
    let told = lab.fails(&[
        "--config",
        "/dev/null",
        "--data-dir",
        elsewhere.to_str().unwrap(),
        "client",
        "get",
    ]);
    assert!(told.contains("jmp-controller init"), "{told}");
    assert!(!elsewhere.exists());
}
