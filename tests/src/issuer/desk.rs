//! Whom the provider knows, and what it gives for what.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::{Issuer, signer::Signer};

/// The people's counter.
pub(super) struct Desk {
    url: String,
    signer: Signer,
    /// Passwords by name.
    pub(super) people: HashMap<String, String>,
    /// Whom tokens of others, and refresh tokens, stand for.
    known: HashMap<String, String>,
    pub(super) lifetime: Duration,
    pub(super) grants: Vec<String>,
}

// === impl Desk ===

impl Desk {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            signer: Signer::new(),
            people: HashMap::new(),
            known: HashMap::new(),
            lifetime: Duration::from_secs(3600),
            grants: Vec::new(),
        }
    }

    pub(super) fn machine(&mut self, name: &str) -> String {
        let token = Uuid::new_v4().to_string();
        self.known.insert(token.clone(), name.to_owned());
        token
    }

    pub(super) fn answer(&mut self, path: &str, form: &[u8]) -> (u16, Value) {
        let url = &self.url;
        match path {
            "/dex/.well-known/openid-configuration" => {
                let endpoints = json!({
                    "issuer": url,
                    "token_endpoint": format!("{url}/token"),
                    "authorization_endpoint": format!("{url}/auth"),
                    "jwks_uri": format!("{url}/keys"),
                });
                (200, endpoints)
            }
            "/dex/keys" => (200, json!({"keys": [self.signer.published()]})),
            "/dex/token" => self.grant(form),
            _ => (404, json!({"error": "not_found"})),
        }
    }

    fn grant(&mut self, form: &[u8]) -> (u16, Value) {
        let form: HashMap<_, _> = form_urlencoded::parse(form).into_owned().collect();
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let grant = field("grant_type");
        let name = match grant {
            "password" => {
                let name = field("username");
                let right = self.people.get(name).map(String::as_str);
                (right == Some(field("password"))).then(|| name.to_owned())
            }
            "refresh_token" => self.known.remove(field("refresh_token")),
            "urn:ietf:params:oauth:grant-type:token-exchange" => {
                self.known.get(field("subject_token")).cloned()
            }
            _ => return (400, json!({"error": "unsupported_grant_type"})),
        };
        let (Some(name), Issuer::AUDIENCE) = (name, field("client_id")) else {
            let refused = json!({
                "error": "invalid_grant",
                "error_description": "Invalid username or password",
            });
            return (400, refused);
        };
        self.grants.push(grant.to_owned());
        let mut answer = json!({
            "access_token": self.token(&name),
            "token_type": "Bearer",
            "expires_in": self.lifetime.as_secs(),
        });
        if field("scope").contains("offline_access") || grant == "refresh_token" {
            answer["refresh_token"] = json!(self.machine(&name));
        }
        (200, answer)
    }

    fn token(&self, name: &str) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.expect("after 1970").as_secs();
        self.signer.sign(&json!({
            "iss": self.url,
            "aud": [Issuer::AUDIENCE],
            "sub": format!("id of {name}"),
            "name": name,
            "iat": now,
            "exp": now + self.lifetime.as_secs(),
            "jti": Uuid::new_v4().to_string(),
        }))
    }
}
