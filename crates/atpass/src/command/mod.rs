//! The commands, one module each.

pub(crate) mod dev;
pub(crate) mod discover;
