//! A venue's URL.

use std::fmt;

use url::Url;

/// A URL with a host, without user, query, fragment and trailing `/`: paths and queries are the venue's code's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// `None` where the text is no such URL, or its scheme is none of `schemes`.
    #[must_use]
    pub fn parse(text: &str, schemes: [&str; 2]) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let valid = bare && schemes.contains(&url.scheme()) && url.has_host() && url.port() != Some(0);
        valid.then(|| Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}
