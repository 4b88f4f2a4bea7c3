//! Labs as documents.

use std::io::Write;
use std::process::Stdio;

use crate::lab::Lab;

fn pipe(lab: &Lab, words: &[&str], text: &str) -> String {
    let mut child = lab
        .program()
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    told + &String::from_utf8(output.stdout).unwrap()
}

/// Without what is another in every lab.
fn plain(documents: &str) -> Vec<&str> {
    let own = [
        "uid:",
        "annotations:",
        "migrated-uid:",
        "migrated-namespace:",
    ];
    let is_common = |line: &&str| !own.iter().any(|own| line.contains(own));
    documents.lines().filter(is_common).collect()
}

#[test]
fn a_lab_moves_from_one_controller_to_another() {
    let lab = Lab::started();
    let policy = lab.path("policy.yaml");
    std::fs::write(
        &policy,
        "apiVersion: jumpstarter.dev/v1alpha1\nkind: ExporterAccessPolicy\n\
         metadata: {name: all}\nspec: {policies: [{from: [{clientSelector: {}}]}]}\n",
    )
    .unwrap();
    lab.works(&["policy", "apply", policy.to_str().unwrap()]);
    lab.works(&[
        "client",
        "create",
        "alice",
        "-l",
        "team=a",
        "--oidc-username",
        "dex:alice",
    ]);
    lab.works(&["exporter", "create", "board", "-l", "board=rpi"]);
    lab.works(&["exporter", "create", "broken", "-l", "board=rpi"]);
    lab.works(&["exporter", "disable", "broken"]);
    let lease = [
        "lease",
        "create",
        "alice",
        "-l",
        "board=rpi,!slow",
        "-d",
        "90m",
    ];
    lab.works(&[&lease[..], &["--name", "mine", "--tag", "build=7"]].concat());
    lab.works(&[&lease[..], &["--name", "over"]].concat());
    lab.works(&["lease", "release", "over"]);
    let exported = lab.works(&["export"]);
    assert!(!exported.contains("name: over"), "{exported}");

    let other = Lab::new();
    let told = pipe(&other, &["import"], &exported);
    for created in [
        "client lab/alice created",
        "exporter lab/board created",
        "exporter lab/broken created",
        "policy lab/all created",
        "lease lab/mine created",
    ] {
        assert!(told.contains(created), "{created}\n{told}");
    }
    let again = other.works(&["export"]);
    assert_eq!(plain(&again), plain(&exported));
    // Tokens of the first lab name its objects, and are known by that.
    let uid = |documents: &str| {
        let line = documents
            .lines()
            .find(|line| line.contains("uid:"))
            .unwrap();
        line.trim().trim_start_matches("uid: ").to_owned()
    };
    assert!(
        again.contains(&format!("jumpstarter.dev/migrated-uid: {}", uid(&exported))),
        "{again}"
    );
    let told = pipe(&other, &["import", "-"], &exported);
    assert!(
        told.contains("exporter lab/board is there already"),
        "{told}"
    );
    assert!(!told.contains("created"), "{told}");
    assert!(
        told.contains("policy lab/all is there already"),
        "policies of another lab open nothing: {told}"
    );
    let told = pipe(&other, &["import", "--replace"], &exported);
    assert!(told.contains("policy lab/all replaced"), "{told}");
    assert!(told.contains("client lab/alice is there already"), "{told}");
    let list = other.works(&["export", "-o", "json"]);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 5);
}

#[test]
fn nothing_is_made_of_documents_with_a_mistake() {
    let lab = Lab::started();
    let path = lab.path("lab.yaml.txt");
    std::fs::write(
        &path,
        "kind: Client\nmetadata: {name: alice}\n---\nkind: Exporter\nmetadata: {name: board}\nspec: {enabld: false}\n",
    )
    .unwrap();
    let told = lab.fails(&["import", path.to_str().unwrap()]);
    assert!(
        told.contains("document 2 (Exporter lab/board): spec: unknown field `enabld`"),
        "{told}"
    );
    assert!(!lab.works(&["client", "get"]).contains("alice"));
    // What only the lab could refuse, it is asked before anything is made.
    for (mistake, why) in [
        (
            "kind: Exporter\nmetadata: {name: board, labels: {'a b': x}}\nspec: {}\n",
            "exporter lab/board: \"a b\" is not a valid label key",
        ),
        (
            "kind: Exporter\nmetadata: {name: Board}\nspec: {}\n",
            "exporter lab/Board: ",
        ),
        (
            "kind: Exporter\nmetadata: {name: board, namespace: 'a:b'}\nspec: {}\n",
            "namespace \"a:b\" is invalid",
        ),
    ] {
        let text = format!("kind: Client\nmetadata: {{name: alice}}\n---\n{mistake}");
        std::fs::write(&path, text).unwrap();
        let told = lab.fails(&["import", path.to_str().unwrap()]);
        assert!(told.contains(why), "{told}");
        assert!(!lab.works(&["client", "get"]).contains("alice"));
    }
    assert!(
        lab.fails(&["import", "/does/not/exist"])
            .contains("cannot use")
    );
}
