//! `rpc`: calling services in the account's name (permission spec, "`rpc`").

use std::fmt;

use super::ScopeError;
use super::grammar::{Fields, Writer};
use super::names::Names;
use crate::id::ServiceRef;

/// Which service is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RpcAudience {
    /// Whichever.
    Any,
    /// This one, fragment and all.
    Service(ServiceRef),
}

impl RpcAudience {
    fn read(text: &str) -> Result<Self, ScopeError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let expected = "a DID with the fragment of a service, such as did:web:api.example.com%23svc_appview, or *";
        let service = ServiceRef::parse(text).map_err(|_| ScopeError::value("aud", expected))?;
        Ok(Self::Service(service))
    }

    /// As in the scope string, before encoding.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Any => "*",
            Self::Service(service) => service.as_str(),
        }
    }
}

/// `rpc:<method>?aud=<service>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RpcScope {
    /// Which methods.
    pub methods: Names,
    /// Of which service. Not `*` where the methods are.
    pub audience: RpcAudience,
}

impl RpcScope {
    pub(super) fn read(mut fields: Fields) -> Result<Self, ScopeError> {
        let methods = Names::read(&fields.positional("lxm")?, "lxm")?;
        let audience = fields.one("aud")?.ok_or(ScopeError::Missing("aud"))?;
        fields.finish()?;
        let audience = RpcAudience::read(&audience)?;
        if methods == Names::All && audience == RpcAudience::Any {
            return Err(ScopeError::Everything);
        }
        Ok(Self { methods, audience })
    }
}

impl fmt::Display for RpcScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::new(f, "rpc")?;
        writer.positional("lxm", self.methods.texts())?;
        writer.named("aud", &self.audience.as_str())
    }
}
