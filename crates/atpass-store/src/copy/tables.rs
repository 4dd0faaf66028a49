//! The tables, as both databases have them.

/// How the values of a column are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Switch,
    Text,
    Bytes,
}

impl Kind {
    /// The type of an array of such values in PostgreSQL.
    pub(super) const fn array(self) -> &'static str {
        match self {
            Self::Integer => "bigint[]",
            Self::Switch => "boolean[]",
            Self::Text => "text[]",
            Self::Bytes => "bytea[]",
        }
    }
}

use Kind::{Bytes, Integer, Switch, Text};

/// A table that is copied.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Its first columns, that tell its rows apart: rows are copied in their order.
    pub(super) keys: usize,
    pub(super) columns: &'static [(&'static str, Kind)],
}

/// Every table but `secrets` and `signing_keys`, which are sealed on the way. Accounts are the last, because
/// what is added to the others marks them as touched.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "requests",
        keys: 1,
        columns: &[
            ("id", Bytes),
            ("request", Text),
            ("jkt", Bytes),
            ("client_key", Text),
            ("created_at", Integer),
            ("expires_at", Integer),
        ],
    },
    Table {
        name: "codes",
        keys: 1,
        columns: &[
            ("id", Bytes),
            ("client_id", Text),
            ("redirect_uri", Text),
            ("challenge", Bytes),
            ("state", Bytes),
            ("jkt", Bytes),
            ("client_key", Text),
            ("did", Text),
            ("scope", Text),
            ("created_at", Integer),
            ("expires_at", Integer),
            ("session", Integer),
        ],
    },
    Table {
        name: "sessions",
        keys: 1,
        columns: &[
            ("id", Integer),
            ("did", Text),
            ("client_id", Text),
            ("jkt", Bytes),
            ("client_key", Text),
            ("scope", Text),
            ("generation", Integer),
            ("rotated_at", Integer),
            ("created_at", Integer),
            ("expires_at", Integer),
            ("refresh_expires_at", Integer),
            ("ended_at", Integer),
            ("end_reason", Text),
        ],
    },
    Table {
        name: "approvals",
        keys: 2,
        columns: &[
            ("did", Text),
            ("client_id", Text),
            ("scope", Text),
            ("approved_at", Integer),
        ],
    },
    Table {
        name: "seen",
        keys: 1,
        columns: &[("key", Bytes), ("expires_at", Integer)],
    },
    Table {
        name: "devices",
        keys: 1,
        columns: &[
            ("id", Bytes),
            ("expires_at", Integer),
            ("remembered", Switch),
        ],
    },
    Table {
        name: "device_accounts",
        keys: 2,
        columns: &[("device", Bytes), ("did", Text), ("signed_in_at", Integer)],
    },
    Table {
        name: "email_codes",
        keys: 2,
        columns: &[
            ("did", Text),
            ("purpose", Text),
            ("code", Bytes),
            ("expires_at", Integer),
        ],
    },
    Table {
        name: "app_passwords",
        keys: 2,
        columns: &[
            ("did", Text),
            ("name", Text),
            ("hash", Text),
            ("created_at", Integer),
            ("privileged", Switch),
        ],
    },
    Table {
        name: "legacy_sessions",
        keys: 1,
        columns: &[
            ("id", Integer),
            ("did", Text),
            ("app_password", Text),
            ("privileged", Switch),
            ("generation", Integer),
            ("rotated_at", Integer),
            ("expires_at", Integer),
        ],
    },
    Table {
        name: "invites",
        keys: 1,
        columns: &[("code", Text), ("uses", Integer), ("created_at", Integer)],
    },
    Table {
        name: "scope_references",
        keys: 1,
        columns: &[
            ("reference", Text),
            ("scope", Text),
            ("used_until", Integer),
        ],
    },
    Table {
        name: "lexicons",
        keys: 1,
        columns: &[
            ("nsid", Text),
            ("did", Text),
            ("cid", Text),
            ("document", Text),
            ("resolved_at", Integer),
        ],
    },
    Table {
        name: "accounts",
        keys: 1,
        columns: &[
            ("did", Text),
            ("handle", Text),
            ("email", Text),
            ("email_confirmed_at", Integer),
            ("password_hash", Text),
            ("audience", Text),
            ("created_at", Integer),
            ("active", Switch),
            ("deactivated_at", Integer),
            ("sessions_ended_at", Integer),
            ("sign_up", Text),
            ("invite", Text),
            ("untouched", Switch),
        ],
    },
];
