//! `authentication.jwt[]` of the configuration: the schema of structured authentication in Kubernetes,
//! without expressions.

use serde::Deserialize;

use super::IssuersError;
use super::fetch::Location;
use super::roots::Roots;

/// One identity provider, and how its tokens become usernames.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JwtConfig {
    /// The provider, and which of its tokens are accepted.
    pub issuer: IssuerConfig,
    /// What further claims of its tokens must say.
    #[serde(default)]
    pub claim_validation_rules: Vec<ClaimRule>,
    /// How a token becomes a username.
    pub claim_mappings: ClaimMappings,
    /// Only for expressions, which are refused.
    #[serde(default)]
    pub user_validation_rules: Vec<UserRule>,
}

/// An identity provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IssuerConfig {
    /// The `iss` of its tokens, where its discovery document is found.
    pub url: String,
    /// The URL of the discovery document, if it is elsewhere.
    #[serde(default, rename = "discoveryURL")]
    pub discovery_url: Option<String>,
    /// The certificates that its HTTPS server must have: PEM text, or the path of a file; else the
    /// system's.
    #[serde(default)]
    pub certificate_authority: Option<String>,
    /// A token needs one of these in `aud`.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Has to be set if there are several audiences.
    #[serde(default)]
    pub audience_match_policy: Option<AudienceMatch>,
}

/// How audiences are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum AudienceMatch {
    /// One common audience is enough.
    MatchAny,
}

/// How claims become properties of a user.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimMappings {
    /// The claim that becomes the username.
    pub username: ClaimMapping,
    /// Accepted for compatibility, not used.
    #[serde(default)]
    pub groups: Option<ClaimMapping>,
    /// Accepted for compatibility, not used.
    #[serde(default)]
    pub uid: Option<ClaimMapping>,
    /// Only for expressions, which are refused.
    #[serde(default)]
    pub extra: Vec<serde_json::Value>,
}

/// A claim, and a prefix for its value.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimMapping {
    /// The name of the claim.
    #[serde(default)]
    pub claim: Option<String>,
    /// Put before the value; may be empty, but not left out.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Refused: expressions are not supported.
    #[serde(default)]
    pub expression: Option<String>,
}

/// A claim with the value that it must have.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimRule {
    /// The name of the claim.
    #[serde(default)]
    pub claim: Option<String>,
    /// The value it must have.
    #[serde(default)]
    pub required_value: Option<String>,
    /// Refused: expressions are not supported.
    #[serde(default)]
    pub expression: Option<String>,
    /// Belongs to the expression.
    #[serde(default)]
    pub message: Option<String>,
}

/// A rule about users, which needs an expression and is refused.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserRule {
    #[serde(default)]
    pub expression: Option<String>,
    /// Belongs to the expression.
    #[serde(default)]
    pub message: Option<String>,
}

/// Collects the mistakes in one part of the configuration.
struct Check {
    mistakes: Vec<String>,
    at: String,
}

/// Checks all identity providers, and returns all mistakes. `ours` are the issuers that need no
/// provider.
pub(super) fn check(configs: &[JwtConfig], ours: &[&str]) -> Result<(), IssuersError> {
    let mut mistakes = Vec::new();
    for (place, config) in configs.iter().enumerate() {
        let mut check = Check {
            mistakes: Vec::new(),
            at: format!("authentication.jwt[{place}]"),
        };
        let url = &config.issuer.url;
        if ours.contains(&url.as_str()) {
            check.wrong(
                "issuer.url",
                "is that of the tokens which this controller issues",
            );
        }
        if configs[..place]
            .iter()
            .any(|other| other.issuer.url == *url)
        {
            check.wrong("issuer.url", "is used by another entry");
        }
        check.config(config);
        mistakes.append(&mut check.mistakes);
    }
    if mistakes.is_empty() {
        return Ok(());
    }
    Err(IssuersError { mistakes })
}

// === impl Check ===

impl Check {
    fn wrong(&mut self, field: &str, why: &str) {
        self.mistakes.push(format!("{}.{field}: {why}", self.at));
    }

    fn expression(&mut self, field: &str, expression: Option<&String>) {
        if expression.is_some() {
            self.wrong(
                &format!("{field}.expression"),
                "CEL expressions are not supported; use `claim` instead",
            );
        }
    }

    fn config(&mut self, config: &JwtConfig) {
        self.issuer(&config.issuer);
        for (place, rule) in config.claim_validation_rules.iter().enumerate() {
            let field = format!("claimValidationRules[{place}]");
            self.expression(&field, rule.expression.as_ref());
            if rule.expression.is_none() && rule.claim.as_ref().is_none_or(String::is_empty) {
                self.wrong(&format!("{field}.claim"), "is missing");
            }
            if rule.claim.is_some() && rule.message.is_some() {
                self.wrong(&format!("{field}.message"), "goes with an expression only");
            }
        }
        if !config.user_validation_rules.is_empty() {
            self.wrong(
                "userValidationRules",
                "CEL expressions are not supported; leave it out",
            );
        }
        self.mappings(&config.claim_mappings);
    }

    fn issuer(&mut self, issuer: &IssuerConfig) {
        self.location("issuer.url", &issuer.url);
        if issuer.url.contains(['?', '#']) {
            self.wrong("issuer.url", "must not have a query or a fragment");
        }
        if let Some(url) = &issuer.discovery_url {
            self.location("issuer.discoveryURL", url);
            if url.trim_end_matches('/') == issuer.url.trim_end_matches('/') {
                self.wrong(
                    "issuer.discoveryURL",
                    "must differ from issuer.url; leave it out",
                );
            }
        }
        if let Err(why) = Roots::of(issuer.certificate_authority.as_deref()).check() {
            self.wrong("issuer.certificateAuthority", &why);
        }
        if issuer.audiences.is_empty() || issuer.audiences.iter().any(String::is_empty) {
            self.wrong(
                "issuer.audiences",
                "needs at least one audience, and no empty ones",
            );
        }
        if issuer.audiences.len() > 1 && issuer.audience_match_policy.is_none() {
            self.wrong(
                "issuer.audienceMatchPolicy",
                "must be `MatchAny` when there are several audiences",
            );
        }
    }

    fn location(&mut self, field: &str, url: &str) {
        if let Err(why) = Location::parse(url) {
            self.wrong(field, &why.to_string());
        }
    }

    fn mappings(&mut self, mappings: &ClaimMappings) {
        let username = &mappings.username;
        let field = "claimMappings.username";
        self.expression(field, username.expression.as_ref());
        if username.expression.is_none() {
            if username.claim.as_ref().is_none_or(String::is_empty) {
                self.wrong(&format!("{field}.claim"), "is missing");
            }
            if username.prefix.is_none() {
                self.wrong(
                    &format!("{field}.prefix"),
                    "is missing; use one that ends with `:`, as `dex:`, or \"\" for none",
                );
            }
        }
        for (field, mapping) in [("groups", &mappings.groups), ("uid", &mappings.uid)] {
            let expression = mapping
                .as_ref()
                .and_then(|mapping| mapping.expression.as_ref());
            self.expression(&format!("claimMappings.{field}"), expression);
        }
        if !mappings.extra.is_empty() {
            self.wrong(
                "claimMappings.extra",
                "CEL expressions are not supported; leave it out",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
issuer:
  url: https://dex.example.com
  audiences: [jumpstarter]
claimMappings:
  username: {claim: name, prefix: 'dex:'}
";

    fn config(text: &str) -> JwtConfig {
        serde_yaml::from_str(text).unwrap()
    }

    fn mistakes(config: JwtConfig) -> Vec<String> {
        check(&[config], &["https://localhost:8085"])
            .map(|()| Vec::new())
            .unwrap_or_else(|error| error.mistakes)
    }

    #[test]
    fn the_usual_configuration_is_good() {
        assert_eq!(mistakes(config(GOOD)), [""; 0]);
    }

    #[test]
    fn all_mistakes_are_told() {
        let told = mistakes(config(
            "
issuer:
  url: http://dex.example.com?x
  discoveryURL: 'nowhere'
  certificateAuthority: /does/not/exist.pem
  audiences: [a, b]
claimMappings:
  username: {expression: claims.name}
  uid: {expression: claims.sub}
  extra: [{key: x, valueExpression: y}]
claimValidationRules:
- {expression: 'true'}
- {}
userValidationRules:
- {expression: 'true'}
",
        ));
        for field in [
            "issuer.url",
            "issuer.discoveryURL",
            "issuer.certificateAuthority",
            "issuer.audienceMatchPolicy",
            "claimMappings.username.expression",
            "claimMappings.uid.expression",
            "claimMappings.extra",
            "claimValidationRules[0].expression",
            "claimValidationRules[1].claim",
            "userValidationRules",
        ] {
            let start = format!("authentication.jwt[0].{field}: ");
            assert!(
                told.iter().any(|line| line.starts_with(&start)),
                "{field}: {told:#?}"
            );
        }
    }

    #[test]
    fn an_issuer_is_named_once() {
        let error = check(&[config(GOOD), config(GOOD)], &[]).unwrap_err();
        assert_eq!(error.mistakes.len(), 1);
        let ours = check(&[config(GOOD)], &["https://dex.example.com"]).unwrap_err();
        assert!(ours.to_string().contains("which this controller issues"));
    }

    #[test]
    fn a_prefix_may_be_empty_but_not_missing() {
        let mut config = config(GOOD);
        config.claim_mappings.username.prefix = Some(String::new());
        assert_eq!(mistakes(config.clone()), [""; 0]);
        config.claim_mappings.username.prefix = None;
        assert!(mistakes(config)[0].contains("username.prefix"));
    }

    #[test]
    fn unknown_keys_are_refused() {
        let text = format!("{GOOD}\nclaimValidationRule: []\n");
        assert!(serde_yaml::from_str::<JwtConfig>(&text).is_err());
    }
}
