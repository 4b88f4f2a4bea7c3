//! The device flow (RFC 8628): somebody confirms in a browser that may be anywhere.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::provider::Refusal;
use super::{OidcError, Provider, Tokens};
use crate::Secret;

/// How much slower to ask when the provider says so.
const SLOWER: Duration = Duration::from_secs(5);

/// A confirmation that is awaited.
#[derive(Debug)]
pub(crate) struct Device {
    /// What to tell the person.
    pub(crate) instructions: String,
    code: Secret<String>,
    interval: Duration,
    until: Instant,
}

#[derive(Deserialize)]
struct Opened {
    device_code: Option<Secret<String>>,
    user_code: Option<String>,
    verification_uri: Option<String>,
    verification_uri_complete: Option<String>,
    interval: Option<f64>,
    expires_in: Option<f64>,
}

// === impl Provider ===

impl Provider {
    /// Begins to wait for a confirmation.
    pub(crate) async fn device(&self) -> Result<Device, OidcError> {
        let endpoint = self.endpoints.device_authorization_endpoint.as_deref();
        let endpoint = endpoint
            .filter(|url| !url.is_empty())
            .ok_or(OidcError::NoDeviceFlow)?;
        // Before somebody confirms, and not after.
        self.http.check(self.token_endpoint())?;
        let form = [
            ("client_id", self.client_id.as_str()),
            ("scope", self.scope.as_str()),
        ];
        let answer = self.http.post(endpoint, &form).await?;
        if answer.status.as_u16() != 200 {
            return Err(OidcError::DeviceRequest {
                status: answer.status.as_u16(),
                body: answer.text(),
            });
        }
        let opened: Opened = answer
            .json()
            .map_err(|_| OidcError::DeviceAnswer("the answer is not valid JSON"))?;
        opened.device()
    }

    /// Waits until somebody confirms.
    pub(crate) async fn confirmed(&self, device: Device) -> Result<Tokens, OidcError> {
        let mut interval = device.interval;
        loop {
            sleep(interval.min(device.until.saturating_duration_since(Instant::now()))).await;
            if Instant::now() >= device.until {
                return Err(OidcError::DeviceTimedOut);
            }
            let form = vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("device_code", device.code.expose().as_str()),
            ];
            match self.poll(form).await? {
                Poll::Done(tokens) => return Ok(tokens),
                Poll::Pending => {}
                Poll::Slower => interval += SLOWER,
            }
        }
    }

    async fn poll<'a>(&'a self, mut form: Vec<(&'a str, &'a str)>) -> Result<Poll, OidcError> {
        form.push(("client_id", &self.client_id));
        let answer = self.http.post(self.token_endpoint(), &form).await?;
        let Ok(body) = answer.json::<Value>() else {
            let status = answer.status.as_u16();
            return Err(OidcError::Device(format!(
                "HTTP {status} without valid JSON"
            )));
        };
        if let Ok(refusal) = serde_json::from_value::<Refusal>(body.clone()) {
            return match refusal.error.as_str() {
                "authorization_pending" => Ok(Poll::Pending),
                "slow_down" => Ok(Poll::Slower),
                "expired_token" => Err(OidcError::DeviceExpired),
                "access_denied" => Err(OidcError::DeviceDenied),
                _ => Err(OidcError::Device(refusal.sentence(" - "))),
            };
        }
        match serde_json::from_value(body) {
            Ok(tokens) => Ok(Poll::Done(tokens)),
            Err(_) => Err(OidcError::Device(
                "there is no access token in the answer".to_owned(),
            )),
        }
    }
}

enum Poll {
    Done(Tokens),
    Pending,
    Slower,
}

// === impl Opened ===

impl Opened {
    fn device(self) -> Result<Device, OidcError> {
        let missing = OidcError::DeviceAnswer;
        let code = self.device_code.filter(|code| !code.expose().is_empty());
        let code = code.ok_or_else(|| missing("there is no 'device_code' in the answer"))?;
        let where_to = match (self.verification_uri_complete, self.verification_uri) {
            (Some(url), _) => format!("  {url}"),
            (None, Some(url)) => {
                let code = self.user_code.unwrap_or_default();
                format!("  {url}\n\nThen enter the code: {code}")
            }
            (None, None) => return Err(missing("there is no 'verification_uri' in the answer")),
        };
        let seconds = |given: Option<f64>, usual: u64| {
            let given = given.and_then(|it| Duration::try_from_secs_f64(it).ok());
            given.unwrap_or(Duration::from_secs(usual))
        };
        // An hour is longer than any provider waits, and a sum that cannot overflow.
        let patience = seconds(self.expires_in, 600).min(Duration::from_secs(3600));
        Ok(Device {
            instructions: format!(
                "To sign in, open the following URL in your browser:\n\n{where_to}\n\n\
                 Waiting for authentication..."
            ),
            code,
            interval: seconds(self.interval, 5),
            until: Instant::now() + patience,
        })
    }
}
