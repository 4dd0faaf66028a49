//! The endpoints that apps call: one module each, in the order in which things happen.
//!
//! They take parsed values and give typed answers; [`crate::routes`] turns HTTP into the one and
//! the other into HTTP.

pub(crate) mod ended;
pub(crate) mod par;
mod refresh;
pub(crate) mod revoke;
pub(crate) mod token;

use atpass_protocol::request::Form;

/// A form that was posted to an endpoint.
#[derive(Debug)]
pub(crate) struct Post {
    /// Its parameters.
    pub(crate) form: Form,
    /// Values of its `DPoP` headers; `None` for one that isn't text.
    pub(crate) proofs: Vec<Option<String>>,
}
