//! Ports of this machine that lead to a driver.
//!
//! ```text
//! ssh ─► 127.0.0.1:2222 ─► byte stream `connect` ─► exporter ─► board:22
//! ```
//!
//! Each connection has a stream of its own. The end of one direction is passed on and the other
//! direction goes on; what breaks on one side breaks on the other. A connection that fails is
//! logged and harms no other.
//!
//! ```no_run
//! use jumpstarter_client::Device;
//! use jumpstarter_client::forward::TcpForward;
//!
//! # async fn example(ssh: &Device) -> Result<(), Box<dyn std::error::Error>> {
//! let forward = TcpForward::bind("localhost", 0).await?;
//! println!("ssh -p {} root@localhost", forward.address().port());
//! forward.run(ssh, "connect").await;
//! # Ok(())
//! # }
//! ```

mod connection;
mod error;
mod tcp;
mod unix;

use std::pin::Pin;

use crate::{ByteStream, Device};

pub use error::ForwardError;
pub use tcp::TcpForward;
pub use unix::UnixForward;
pub(crate) use unix::unix_to;

type Opening = Pin<Box<dyn Future<Output = Result<ByteStream, String>> + Send>>;

/// Opens a stream by `method` of `device`, each time it is asked.
fn stream_to(device: &Device, method: &str) -> impl Fn() -> Opening + use<> {
    let (device, method) = (device.clone(), method.to_owned());
    move || {
        let (device, method) = (device.clone(), method.clone());
        Box::pin(async move {
            let opened = device.connect(&method).await;
            opened.map_err(|error| format!("cannot connect to `{}`: {error}", device.name()))
        })
    }
}
