//! The handles of a session that wait to be used.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::RootCertStore;
use uuid::Uuid;

use crate::plugin::{CallError, Code};

use super::handle::{self, Handle};
use super::link::Link;
use super::web::{Limits, Request, Web};
use super::{Direction, Encoding, Offer, Transfer, coded, socket};

/// Streams that clients may have open to one driver without using them. A client opens one right
/// before the call that uses it.
const MAX_WAITING: usize = 256;

/// What drivers of one session can take.
#[derive(Debug)]
pub struct Resources {
    refuse_encodings: bool,
    waiting: Arc<Waiting>,
    web: Arc<Web>,
}

/// Settings of an exporter.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Clients compress and decompress by themselves.
    pub refuse_encodings: bool,
    /// How long presigned requests may take.
    pub limits: Limits,
    /// Certificate authorities of web servers, instead of those of the system.
    pub roots: Option<Arc<RootCertStore>>,
}

/// The streams that no driver has taken yet, by the uuid of the handle.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<HashMap<Uuid, Stream>>);

#[derive(Debug)]
struct Stream {
    driver: Uuid,
    socket: OwnedFd,
    link: Arc<Link>,
}

// === impl Options ===

impl Options {
    /// As the environment of the exporter says.
    pub fn from_env() -> Self {
        Self {
            refuse_encodings: std::env::var_os("JMP_DISABLE_COMPRESSION")
                .is_some_and(|value| value == "1"),
            ..Self::default()
        }
    }
}

// === impl Resources ===

impl Resources {
    /// An empty table.
    pub fn new(options: &Options) -> Self {
        Self {
            refuse_encodings: options.refuse_encodings,
            waiting: Arc::default(),
            web: Arc::new(Web::new(options)),
        }
    }

    /// A client has opened a stream to `driver`, and would like to compress its data with
    /// `encoding`.
    ///
    /// # Errors
    ///
    /// Too many streams to this driver are open and unused, or there are no sockets left.
    pub fn offer(&self, driver: Uuid, encoding: Option<&str>) -> Result<Offer, CallError> {
        let asked = encoding.map(|name| match self.refuse_encodings {
            true => None,
            false => Encoding::parse(name),
        });
        let encoding = asked.flatten();
        let (client, socket) = socket::pair()?;
        let link = client.try_clone().map_err(socket::failed)?;
        let link = Arc::new(Link::new(link));
        let uuid = Uuid::new_v4();
        let stream = Stream {
            driver,
            socket,
            link: Arc::clone(&link),
        };
        self.waiting.put(uuid, stream)?;
        Ok(Offer {
            uuid,
            handle: handle::client_stream(uuid, encoding),
            accepted: match asked {
                None => Some(""),
                Some(answer) => answer.map(Encoding::name),
            },
            socket: Some(client),
            link,
            waiting: Arc::clone(&self.waiting),
        })
    }

    /// A driver takes what a handle, an encoded `google.protobuf.Value`, stands for. It may take
    /// what was opened to one of `drivers`.
    ///
    /// # Errors
    ///
    /// The value is no handle, or what it stands for is gone, somebody else's, or of the other
    /// direction.
    pub async fn take(
        &self,
        drivers: &[Uuid],
        value: &[u8],
        direction: Direction,
    ) -> Result<Transfer, CallError> {
        match Handle::read(value)? {
            Handle::ClientStream {
                uuid,
                x_jmp_content_encoding,
            } => {
                let uuid = Uuid::try_parse(&uuid).map_err(|_| {
                    let text = format!("`{uuid}` in the resource handle is no uuid");
                    CallError::new(Code::InvalidArgument, text)
                })?;
                let Stream { socket, link, .. } = self.waiting.take(&uuid, drivers)?;
                match x_jmp_content_encoding {
                    None => Ok(Transfer::plain(socket, link, direction)),
                    Some(encoding) => coded::transfer(encoding, socket, link, direction),
                }
            }
            Handle::PresignedRequest {
                headers,
                url,
                method,
            } => {
                let request = Request {
                    method,
                    url: url.into_exposed(),
                    headers: headers.into_exposed(),
                };
                self.web.request(request, direction).await
            }
        }
    }
}

// === impl Waiting ===

impl Waiting {
    fn put(&self, uuid: Uuid, stream: Stream) -> Result<(), CallError> {
        let mut streams = self.lock();
        let same = |other: &&Stream| other.driver == stream.driver;
        if streams.values().filter(same).count() >= MAX_WAITING {
            let text = format!(
                "{MAX_WAITING} resource streams to this driver are open and no call has used them; \
                 close some first"
            );
            return Err(CallError::new(Code::Unavailable, text));
        }
        streams.insert(uuid, stream);
        Ok(())
    }

    fn take(&self, uuid: &Uuid, drivers: &[Uuid]) -> Result<Stream, CallError> {
        let mut streams = self.lock();
        let stream = match streams.remove(uuid) {
            Some(stream) if drivers.contains(&stream.driver) => Ok(stream),
            Some(of_another) => {
                streams.insert(*uuid, of_another);
                Err(())
            }
            None => Err(()),
        };
        // The text is the one that clients know from the reference.
        stream.map_err(|()| CallError::new(Code::Unknown, format!("UUID('{uuid}')")))
    }

    /// Takes a stream back whose client is gone.
    pub(super) fn withdraw(&self, uuid: &Uuid) {
        let _stream = self.lock().remove(uuid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Stream>> {
        // The map is whole at every moment, so a panic elsewhere does no harm.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
