//! Byte streams to a peer that cannot be reached directly, through a router that both can reach.
//!
//! ```text
//! client ─► Dial ──┐                        ┌── Listen ◄─ exporter
//!                  └► controller: a token ◄─┘
//! client ═══════════► router (same token) ◄════════════ exporter
//! ```
//!
//! The router joins two streams that present the same token and passes frames on as they are; what
//! flows inside is the client's whole HTTP/2 connection to the exporter.

use tonic::Status;
use tonic::codegen::http::HeaderMap;
use tonic::codegen::http::header::AUTHORIZATION;
use tonic::metadata::MetadataMap;

use crate::connect::{Uplink, target};
use crate::controller::bearer;
use crate::{ByteStream, Secret, stream};

/// Opens a stream to whoever presents, or will present, the same token to the router at `endpoint`.
///
/// Returns when the request is on its way. Some routers answer only when the peer has sent
/// something, and the peer may be somebody who waits for us, or not come at all; so the stream can
/// be used at once, and whether the router has agreed is told by
/// [`ByteStream::answered`].
///
/// # Errors
///
/// UNAVAILABLE with the reason if the router cannot be reached, INVALID_ARGUMENT if the endpoint is
/// no address or the token cannot be sent.
pub async fn open(
    uplink: &Uplink,
    endpoint: &str,
    token: &Secret<String>,
) -> Result<ByteStream, Status> {
    let invalid = |error: &dyn std::error::Error| Status::invalid_argument(error.to_string());
    let host = target(endpoint).map_err(|error| invalid(&error))?;
    let token = bearer(token).map_err(|error| invalid(&error))?;
    let channel = uplink.connect(&host).await?;
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, token);
    Ok(stream::join(channel, MetadataMap::from_headers(headers)).await)
}
