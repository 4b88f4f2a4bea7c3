//! Byte streams to TCP, UDP, Unix, vsock, D-Bus and WebSocket peers.
