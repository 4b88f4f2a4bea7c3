//! What a driver can do: checked before calls, told to clients in the report.

use std::collections::HashMap;

use bytes::Bytes;
use jumpstarter_proto::descriptor::{self, Interface, Type};

use crate::plugin::{CallError, Code, DriverMetadata, Method, MethodKind};

use super::driver::no_such;

/// The methods of a driver, and what the report says about them. Shared by all drivers of a type.
#[derive(Debug, Default)]
pub(super) struct Methods {
    kinds: HashMap<String, MethodKind>,
    /// Nobody said what methods there are: only the driver knows.
    unknown: bool,
    /// First line of each method's help.
    pub(super) help: HashMap<String, String>,
    /// An encoded `FileDescriptorProto`; empty if there are no methods.
    pub(super) descriptor: Bytes,
}

// === impl Methods ===

impl Methods {
    /// Of a driver that its plugin describes with `metadata`, and that told of `further` methods
    /// when it was opened.
    pub(super) fn new(
        type_name: &str,
        metadata: Option<&DriverMetadata>,
        further: &[Method],
    ) -> Self {
        let described = metadata.map_or(&[][..], |metadata| &metadata.methods);
        let again = |name: &str| further.iter().any(|method| method.name == name);
        let all: Vec<&Method> = described
            .iter()
            .filter(|method| !again(&method.name))
            .chain(further)
            .collect();
        if all.is_empty() {
            return Self {
                unknown: true,
                ..Self::default()
            };
        }
        let summary = |doc: &str| {
            doc.trim()
                .lines()
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        let help = all
            .iter()
            .map(|method| (method.name.clone(), summary(&method.doc)));
        let (package, name) = type_name.rsplit_once('.').unwrap_or(("", type_name));
        let interface = Interface {
            package: package.to_owned(),
            name: name.to_owned(),
            doc: metadata.map_or_else(String::new, |metadata| metadata.doc.clone()),
            methods: all.iter().map(|method| describe(method)).collect(),
        };
        Self {
            kinds: all
                .iter()
                .map(|method| (method.name.clone(), method.kind))
                .collect(),
            unknown: false,
            help: help.filter(|(_, help)| !help.is_empty()).collect(),
            descriptor: interface.encode().into(),
        }
    }

    /// Whether there is a method of this name and kind, in the words that clients know.
    pub(super) fn check(&self, name: &str, kind: MethodKind) -> Result<(), CallError> {
        let marker = match kind {
            MethodKind::Call => "marker_drivercall",
            MethodKind::Stream => "marker_streamingdrivercall",
            MethodKind::Bytes => "marker_streamcall",
        };
        match self.kinds.get(name) {
            Some(there) if *there == kind => Ok(()),
            Some(_) => {
                let message = format!("method {name} missing marker {marker}");
                Err(CallError::new(Code::NotFound, message))
            }
            None if self.unknown => Ok(()),
            None => Err(no_such(name)),
        }
    }
}

fn describe(method: &Method) -> descriptor::Method {
    let param = |param: &crate::plugin::Param| descriptor::Param {
        name: param.name.clone(),
        ty: Type::from_schema(&param.schema),
        optional: param.optional,
        doc: doc(&param.schema),
    };
    descriptor::Method {
        name: method.name.clone(),
        kind: match method.kind {
            MethodKind::Call => descriptor::Kind::Call,
            MethodKind::Stream => descriptor::Kind::Stream,
            MethodKind::Bytes => descriptor::Kind::Bytes,
        },
        doc: method.doc.clone(),
        params: method.params.iter().map(param).collect(),
        result: method.result.as_ref().map_or(Type::Any, Type::from_schema),
    }
}

fn doc(schema: &serde_json::Value) -> String {
    let text = schema
        .get("description")
        .and_then(serde_json::Value::as_str);
    text.unwrap_or_default().to_owned()
}
