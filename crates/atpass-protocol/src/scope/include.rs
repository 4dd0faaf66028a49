//! `include`: a permission set by its name (permission spec, "Permission Sets").

use std::fmt;

use super::ScopeError;
use super::grammar::{Fields, Writer};
use crate::id::{Nsid, ServiceRef};

/// `include:<nsid>[?aud=<service>]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncludeScope {
    /// The permission set.
    pub nsid: Nsid,
    /// The service that its `inheritAud` permissions are for.
    pub audience: Option<ServiceRef>,
}

impl IncludeScope {
    pub(super) fn read(mut fields: Fields) -> Result<Self, ScopeError> {
        let nsid = fields.positional_one("nsid")?;
        let audience = fields.one("aud")?;
        fields.finish()?;
        let nsid = Nsid::parse(&nsid)
            .map_err(|_| ScopeError::value("nsid", "an NSID such as app.example.authFull"))?;
        let expected =
            "a DID with the fragment of a service, such as did:web:api.example.com%23svc_appview";
        let audience = audience
            .map(|text| ServiceRef::parse(&text))
            .transpose()
            .map_err(|_| ScopeError::value("aud", expected))?;
        Ok(Self { nsid, audience })
    }

    /// Whether the set may speak of this name: its own group, or one below it
    /// (permission spec, "Namespace Authority"; clause SC-INC-02).
    pub fn has_authority_over(&self, name: &Nsid) -> bool {
        let group = self.group();
        name.as_str()
            .strip_prefix(group)
            .is_some_and(|rest| rest.starts_with('.'))
    }

    /// The name of the set without its last segment.
    pub(super) fn group(&self) -> &str {
        let name = self.nsid.as_str();
        name.rsplit_once('.').map_or(name, |(group, _)| group)
    }
}

impl fmt::Display for IncludeScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::new(f, "include")?;
        writer.positional("nsid", [self.nsid.as_str()].into_iter())?;
        match &self.audience {
            Some(audience) => writer.named("aud", audience),
            None => Ok(()),
        }
    }
}
