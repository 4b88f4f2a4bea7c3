//! Lets administrators in, and names them for the audit log.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::Api;
use super::error::Refusal;
use crate::identity::Peer;
use crate::serve::LocalUser;

/// The administrator who calls, as in the audit log: `admin:root`, `local:1000`.
#[derive(Clone, Debug)]
pub(super) struct Actor(pub(super) String);

/// Marks requests that never left the process. No controller runs then, and whoever can open the
/// database needs no further permission.
#[derive(Clone, Copy, Debug)]
pub struct Offline;

/// Middleware that lets only administrators pass.
pub(super) async fn admit(
    State(api): State<Api>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let extensions = request.extensions();
    let actor = match extensions.get::<LocalUser>() {
        // Checked in any case, whatever became of the modes of socket and folder.
        Some(LocalUser(uid)) => {
            let own = nix::unistd::geteuid().as_raw();
            if *uid != 0 && *uid != own {
                return Err(Refusal::forbidden(format!(
                    "user {uid} may not administer; use the controller's user or root, or the token of \
                     an administrator"
                )));
            }
            format!("local:{uid}")
        }
        None if extensions.get::<Offline>().is_some() => {
            format!("local:{}", nix::unistd::geteuid())
        }
        None => {
            let peer = extensions.get::<Peer>().copied().unwrap_or_default();
            let admin = api.0.authenticator.admin(request.headers(), peer)?;
            format!("admin:{}", admin.key.name)
        }
    };
    request.extensions_mut().insert(Actor(actor));
    Ok(next.run(request).await)
}
