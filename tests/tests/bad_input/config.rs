//! Mistakes in the exporter's file. None of these starts anything.

use jumpstarter_tests::{Lab, Outcome, PATIENCE};

const POWER: &str = "jumpstarter_driver_power.driver.MockPower";

/// What an exporter with this `export:` block says before it gives up.
fn refused(export: &str) -> Outcome {
    let lab = Lab::new();
    let outcome = lab.exporter(export).refused();
    outcome.fails(1).never_says("panicked");
    outcome
}

#[test]
fn a_type_that_nobody_offers() {
    refused("power: {type: jumpstarter_driver_power.driver.MockPwoer}")
        .complains("jumpstarter_driver_power.driver.MockPwoer")
        .complains("did you mean `jumpstarter_driver_power.driver.MockPower`");
}

#[test]
fn a_type_without_a_dot() {
    refused("power: {type: MockPower}").complains("no driver class `MockPower` in any plugin");
}

/// Settings that the reference ignores are ignored, but not in silence.
fn warned(export: &str, warning: &str) {
    let lab = Lab::new();
    let exporter = lab.exporter(export).rotten().start();
    let line = exporter.log().wait_for(warning, PATIENCE);
    assert!(line.is_some(), "no `{warning}`: {}", exporter.log().text());
}

#[test]
fn a_key_that_a_driver_does_not_know() {
    let rotten = "jumpstarter_driver_test_rotten_abi.driver.Rotten";
    let export = format!("power: {{type: {rotten}, config: {{colour: red}}}}");
    warned(&export, "export.power.config.colour: ignored: unknown key");
}

#[test]
fn a_misspelt_key() {
    let export = format!("power: {{tpye: {POWER}}}");
    warned(
        &export,
        "export.power.tpye: unknown key, ignored, did you mean `type`?",
    );
}

#[test]
fn a_value_of_the_wrong_type() {
    refused("power: {type: 5}").complains("power");
    refused(&format!("power: {{type: {POWER}, config: 5}}")).complains("config");
    refused("power: 5").complains("power");
}

#[test]
fn a_setting_that_a_strict_driver_does_not_take() {
    let strict = "jumpstarter_driver_test_rotten.driver.Rotten";
    for (config, text) in [
        ("{colour: red}", "colour"),
        ("{fault: 5}", "fault"),
        ("{fault: nonsense}", "nonsense"),
    ] {
        let lab = Lab::new();
        let export = format!("power: {{type: {strict}, config: {config}}}");
        lab.exporter(&export)
            .rotten()
            .refused()
            .fails(1)
            .complains("export.power.config")
            .complains(text);
    }
}

#[test]
fn a_key_that_is_missing() {
    let lab = Lab::new();
    let head = "apiVersion: jumpstarter.dev/v1alpha1\nkind: ExporterConfig\n";
    for (rest, text) in [("export: {}\n", "metadata"), ("metadata: {}\n", "name")] {
        lab.exporter_from(&format!("{head}{rest}"))
            .refused()
            .fails(1)
            .complains(text);
    }
}

#[test]
fn a_proxy_to_nowhere() {
    refused("alias: {ref: nowhere.to.go}")
        .complains("alias")
        .complains("references nonexistent driver nowhere.to.go");
}

#[test]
fn a_proxy_to_itself() {
    refused("alias: {ref: alias}").complains("alias");
    refused("a: {ref: b}\nb: {ref: a}").complains("a");
}

#[test]
fn all_mistakes_at_once_with_their_places() {
    let lab = Lab::new();
    let yaml = "\
apiVersion: jumpstarter.dev/v1alpha1
kind: Exporter
metadata: {name: 5}
export:
  power: {type: 7}
";
    lab.exporter_from(yaml)
        .refused()
        .fails(1)
        .complains(":2:")
        .complains(":3:")
        .complains(":5:");
}

#[test]
fn a_file_that_is_no_yaml() {
    let lab = Lab::new();
    lab.exporter_from("export: [unclosed\n  - {")
        .refused()
        .fails(1)
        .complains("exporter-0.yaml");
}

#[test]
fn a_file_that_is_not_there() {
    let lab = Lab::new();
    lab.jmp_exporter(["run", "--exporter-config", "nowhere.yaml"])
        .fails(1)
        .complains("No such file or directory: 'nowhere.yaml'");
}

#[test]
fn a_token_is_not_shown_with_the_mistake_beside_it() {
    let lab = Lab::new();
    let yaml = "\
apiVersion: jumpstarter.dev/v1alpha1
kind: ExporterConfig
metadata: {namespace: lab, name: story}
token: [s3cret-token]
export: {}
";
    lab.exporter_from(yaml)
        .refused()
        .fails(1)
        .complains("token")
        .never_says("s3cret-token");
}
