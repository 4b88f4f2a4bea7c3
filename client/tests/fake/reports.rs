//! Trees of drivers as lists of reports.

use jumpstarter_proto::descriptor::Interface;
use jumpstarter_proto::v1::DriverInstanceReport;

pub const COMPOSITE: &str = "jumpstarter_driver_composite.client.CompositeClient";
pub const POWER: &str = "jumpstarter_driver_power.client.PowerClient";

/// A driver and what is below it.
pub struct DriverReport {
    report: DriverInstanceReport,
    children: Vec<DriverReport>,
}

/// A driver whose uuid is its name.
pub fn driver(name: &str, class: &str) -> DriverReport {
    DriverReport {
        report: DriverInstanceReport {
            uuid: name.to_owned(),
            labels: [
                ("jumpstarter.dev/name".to_owned(), name.to_owned()),
                ("jumpstarter.dev/client".to_owned(), class.to_owned()),
            ]
            .into(),
            ..Default::default()
        },
        children: Vec::new(),
    }
}

// === impl DriverReport ===

impl DriverReport {
    pub fn power(name: &str) -> Self {
        driver(name, POWER)
    }

    pub fn group(name: &str) -> Self {
        driver(name, COMPOSITE)
    }

    pub fn with(mut self, children: impl IntoIterator<Item = DriverReport>) -> Self {
        self.children.extend(children);
        self
    }

    pub fn description(mut self, text: &str) -> Self {
        self.report.description = Some(text.to_owned());
        self
    }

    pub fn describes(mut self, method: &str, text: &str) -> Self {
        let texts = &mut self.report.methods_description;
        texts.insert(method.to_owned(), text.to_owned());
        self
    }

    pub fn interface(mut self, interface: &Interface) -> Self {
        self.report.file_descriptor_proto = Some(interface.encode().into());
        self
    }
}

pub fn flatten(root: DriverReport) -> Vec<DriverInstanceReport> {
    let mut list = Vec::new();
    let mut root = root;
    root.report.labels.remove("jumpstarter.dev/name");
    append(root, None, &mut list);
    list
}

fn append(driver: DriverReport, parent: Option<String>, list: &mut Vec<DriverInstanceReport>) {
    let mut report = driver.report;
    report.parent_uuid = parent;
    let uuid = report.uuid.clone();
    list.push(report);
    for child in driver.children {
        append(child, Some(uuid.clone()), list);
    }
}
