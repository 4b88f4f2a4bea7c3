//! The Jumpstarter wire: messages, services, and the names and languages inside them.
//!
//! ```text
//!   *.proto ──build.rs──▶ v1, client_v1       messages, clients and servers
//!                     └─▶ FILE_DESCRIPTOR_SET for reflection
//!
//!   names       namespaces/lab/leases/42
//!   selector    board=imx8,!broken
//!   descriptor  what a driver can do, as it travels in a report
//! ```
//!
//! Arguments and results of driver calls are `google.protobuf.Value` on the wire. Here they are
//! [`Bytes`](prost::bytes::Bytes) holding the encoded Value, read and written with `jumpstarter_value`:
//!
//! ```
//! use jumpstarter_proto::v1::DriverCallRequest;
//!
//! let call = DriverCallRequest {
//!     uuid: "5f0c…".into(),
//!     method: "set_voltage".into(),
//!     args: vec![jumpstarter_value::to_vec(&3.3)?.into()],
//! };
//! assert_eq!(jumpstarter_value::from_slice::<f64>(&call.args[0])?, 3.3);
//! # Ok::<(), jumpstarter_value::Error>(())
//! ```

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod descriptor;
pub mod names;
pub mod selector;

/// Generated code refers to other packages by their place in this tree.
#[allow(
    clippy::all,
    missing_debug_implementations,
    missing_docs,
    rustdoc::all,
    unreachable_pub,
    unused_qualifications
)]
mod jumpstarter {
    pub mod v1 {
        tonic::include_proto!("jumpstarter.v1");
    }
    pub mod client {
        pub mod v1 {
            tonic::include_proto!("jumpstarter.client.v1");
        }
    }
}

/// Package `jumpstarter.v1`: exporters, routers, and the exporter's side of the controller.
#[doc(inline)]
pub use jumpstarter::v1;

/// Package `jumpstarter.client.v1`: leases and exporters, the client's side of the controller.
#[doc(inline)]
pub use jumpstarter::client::v1 as client_v1;

/// The encoded `FileDescriptorSet` of all services, with the types as they are declared.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
