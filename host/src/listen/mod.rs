//! The doors of the exporter: a TCP port, a unix socket for programs on the same machine, and
//! streams that arrive already connected.
//!
//! ```text
//!   TcpListener ─┐                         ┌─ connection ─┐
//!                ├─> Server: accept ──────>├─ connection ─┼─> Rpc (service/)
//!  UnixListener ─┤   (TLS handshake here)  ├─ connection ─┤
//!        tunnel ─┘                         └─ connection ─┘
//! ```
//!
//! HTTP/2 is spoken through hyper directly rather than tonic's own server, because the server must
//! be able to close its doors at once, give running calls a second, and then cut them off.

mod address;
mod authority;
mod folder;
mod linger;
mod server;
mod tcp;
mod tls;

pub use address::{Address, AddressError};
pub use folder::{Folder, FolderError};
pub use server::{Calls, Server};
pub use tcp::{BindError, bind};
pub use tls::{TlsError, acceptor};
