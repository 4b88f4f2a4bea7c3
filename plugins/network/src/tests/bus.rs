//! Message buses: what is told about them. Real buses are in the Python stories.

use serde_json::json;

use super::{DbusNetwork, open, refusal};

#[test]
fn clients_learn_which_bus_it_is() {
    for kind in ["system", "session"] {
        let network = open::<DbusNetwork>(json!({"kind": kind}));
        let labels = &network.added()["labels"];
        assert_eq!(labels["jumpstarter.dev/dbusnetwork/kind"], kind);
    }
}

#[test]
fn there_is_no_third_bus() {
    assert_eq!(
        refusal::<DbusNetwork>(json!({"kind": "user"})),
        "invalid bus type: user"
    );
}
