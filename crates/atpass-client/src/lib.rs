//! Log in, hold a session, refresh it, call with it, log out.
