//! From a handle, DID or server URL to the right authorization server.
