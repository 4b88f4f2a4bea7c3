//! Byte streams to what listens near the exporter: TCP, UDP, Unix and vsock sockets, message buses
//! and WebSockets.
//!
//! ```text
//! TcpNetwork  UdpNetwork  UnixNetwork  VsockNetwork  DbusNetwork     the exporter gets the socket
//!      └───────────┴───────────┴───── dial ──────────────┘           itself: no copy in between
//! EchoNetwork  WebsocketNetwork                                      talk to it in messages
//! ```

mod dbus;
mod dial;
mod echo;
mod escape;
mod peer;
mod tcp;
mod udp;
mod unix;
mod vsock;
mod websocket;

use jumpstarter_driver::plugin;

use dbus::DbusNetwork;
use echo::EchoNetwork;
use tcp::TcpNetwork;
use udp::UdpNetwork;
use unix::UnixNetwork;
use vsock::VsockNetwork;
use websocket::WebsocketNetwork;

plugin! {
    name: "jumpstarter_driver_network",
    vendor: "Jumpstarter",
    drivers: [
        TcpNetwork,
        UdpNetwork,
        UnixNetwork,
        VsockNetwork,
        DbusNetwork,
        EchoNetwork,
        WebsocketNetwork,
    ],
}

#[cfg(test)]
mod tests;
