//! Who calls: the four keys of metadata, checked in the order and with the words of the real one.

use tonic::{Request, Status};

use super::{CLIENT, EXPORTER, NAMESPACE, world::World};

/// Lets only the exporter through.
pub(super) fn exporter<T>(world: &World, request: &Request<T>) -> Result<(), Status> {
    let token = world.look(|state| state.exporter_token.clone());
    check(request, "Exporter", EXPORTER, &token)
}

/// Lets only the client through.
pub(super) fn client<T>(world: &World, request: &Request<T>) -> Result<(), Status> {
    let token = world.look(|state| state.client_token.clone());
    check(request, "Client", CLIENT, &token)
}

/// The token of `authorization: Bearer …`.
pub(super) fn bearer<T>(request: &Request<T>) -> Result<String, Status> {
    let mut headers = request.metadata().get_all("authorization").iter();
    let Some(header) = headers.next() else {
        return Err(Status::unauthenticated("missing authorization header"));
    };
    if headers.next().is_some() {
        return Err(Status::invalid_argument("multiple authorization headers"));
    }
    let malformed = || Status::invalid_argument("malformed authorization header");
    let header = header.to_str().map_err(|_| malformed())?;
    let (scheme, token) = header.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(malformed());
    }
    Ok(token.to_owned())
}

fn check<T>(request: &Request<T>, kind: &str, name: &str, token: &str) -> Result<(), Status> {
    if bearer(request)? != token {
        return Err(Status::unknown(
            "oidc: verify token: failed to verify signature: failed to verify id token signature",
        ));
    }
    let key = |key: &str| {
        let value = request.metadata().get(key).and_then(|v| v.to_str().ok());
        value.ok_or_else(|| Status::invalid_argument(format!("missing metadata: {key}")))
    };
    let (namespace, said) = (key("jumpstarter-namespace")?, key("jumpstarter-kind")?);
    let named = key("jumpstarter-name")?;
    if said != kind {
        return Err(Status::invalid_argument("object kind mismatch"));
    }
    if (namespace, named) != (NAMESPACE, name) {
        let kind = kind.to_lowercase();
        let text = format!("permission denied for {kind} {namespace}/{named}");
        return Err(Status::permission_denied(text));
    }
    Ok(())
}
