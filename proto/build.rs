//! Compiles the .proto files, without protoc.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message as _;
use prost_types::FileDescriptorSet;
use prost_types::field_descriptor_proto::Type;

const FILES: [&str; 6] = [
    "jumpstarter/v1/common.proto",
    "jumpstarter/v1/jumpstarter.proto",
    "jumpstarter/v1/kubernetes.proto",
    "jumpstarter/v1/router.proto",
    "jumpstarter/v1/telemetry.proto",
    "jumpstarter/client/v1/client.proto",
];

/// Fields of type `google.protobuf.Value` that stay encoded.
const VALUES: [(&str, &str); 4] = [
    ("DriverCallRequest", "args"),
    ("DriverCallResponse", "result"),
    ("StreamingDriverCallRequest", "args"),
    ("StreamingDriverCallResponse", "result"),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=jumpstarter");

    let files = protox::compile(FILES, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), files.encode_to_vec())?;

    tonic_prost_build::configure()
        // Byte fields share the buffer they were received in.
        .bytes(".jumpstarter")
        .emit_rerun_if_changed(false)
        .compile_fds(values_as_bytes(files)?)?;
    Ok(())
}

/// Declares the Value fields as `bytes`.
///
/// A message in a field is its length and its bytes, exactly as `bytes` are, so the wire stays the
/// same. The code generated from it leaves Values alone: whoever passes them on does not take them
/// apart, and whoever wants them decodes them straight into its own types.
fn values_as_bytes(mut files: FileDescriptorSet) -> Result<FileDescriptorSet, Box<dyn Error>> {
    for (message, field) in VALUES {
        let field = files
            .file
            .iter_mut()
            .filter(|file| file.package() == "jumpstarter.v1")
            .flat_map(|file| &mut file.message_type)
            .filter(|found| found.name() == message)
            .flat_map(|found| &mut found.field)
            .find(|found| found.name() == field)
            .ok_or_else(|| format!("`{message}` has no field `{field}`"))?;
        if field.type_name.take().as_deref() != Some(".google.protobuf.Value") {
            return Err(format!("`{message}.{}` is no Value", field.name()).into());
        }
        field.set_type(Type::Bytes);
    }
    Ok(files)
}
