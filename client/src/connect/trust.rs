//! Who is trusted, as configuration files say it: a CA in base64, or `insecure`.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use thiserror::Error;

use super::{Roots, Tls};
use crate::env;

/// The CA of a configuration is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`tls.ca` is not the base64 of a PEM file: {why}; make it with `base64 -w0 ca.pem`")]
pub struct CaError {
    why: String,
}

/// Many tools leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

// === impl Tls ===

impl Tls {
    /// What a configuration's `tls` says, unless the environment says `insecure`.
    ///
    /// There is no way to plaintext: controllers and routers always speak TLS.
    ///
    /// # Errors
    ///
    /// When `ca` is neither empty nor the base64 of a PEM file.
    pub fn configured(ca: &str, insecure: bool) -> Result<Self, CaError> {
        Self::from_settings(ca, insecure || env::insecure())
    }

    /// The same, whatever the environment says.
    ///
    /// ```
    /// use jumpstarter_client::connect::{Roots, Tls};
    ///
    /// assert!(matches!(Tls::from_settings("", false), Ok(Tls::Verified(Roots::System))));
    /// assert!(matches!(Tls::from_settings("", true), Ok(Tls::Unverified)));
    /// ```
    ///
    /// # Errors
    ///
    /// When `ca` is neither empty nor the base64 of a PEM file.
    pub fn from_settings(ca: &str, insecure: bool) -> Result<Self, CaError> {
        if insecure {
            return Ok(Self::Unverified);
        }
        let text: String = ca.split_ascii_whitespace().collect();
        if text.is_empty() {
            return Ok(Self::Verified(Roots::System));
        }
        // Somebody who pasted the file itself means the same.
        if ca.trim_start().starts_with("-----BEGIN ") {
            return Ok(Self::Verified(Roots::Pem(ca.into())));
        }
        let pem = BASE64.decode(text).map_err(|error| CaError {
            why: error.to_string(),
        })?;
        Ok(Self::Verified(Roots::Pem(pem)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn pem(ca: &str) -> Vec<u8> {
        match Tls::from_settings(ca, false).unwrap() {
            Tls::Verified(Roots::Pem(pem)) => pem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_ca_is_base64_however_it_is_wrapped() {
        assert_eq!(pem("Q0E="), b"CA");
        assert_eq!(pem(" Q0\n E=\n"), b"CA");
        assert_eq!(pem("Q0E"), b"CA");
        assert_eq!(
            pem("-----BEGIN CERTIFICATE-----\nx"),
            b"-----BEGIN CERTIFICATE-----\nx"
        );
    }

    #[test]
    fn other_texts_are_refused() {
        let error = Tls::from_settings("!", false).unwrap_err().to_string();
        assert!(
            error.starts_with("`tls.ca` is not the base64 of a PEM file: "),
            "{error}"
        );
    }

    #[test]
    fn insecure_wins_over_a_ca_that_cannot_be_read() {
        assert!(matches!(Tls::from_settings("!", true), Ok(Tls::Unverified)));
    }
}
