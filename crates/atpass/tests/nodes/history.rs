//! What happened in a run, as far as it can be known from outside the nodes: what was sent, what was
//! told, what was held back on the way.

/// Milliseconds since the run began.
pub(crate) type Millis = u64;

/// Who sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// The person or the app whose session it is.
    Owner,
    /// Somebody who has seen everything that was sent, but has none of the keys; or a test that uses
    /// something once more.
    Attacker,
    /// Whoever asks a node whether it works again.
    Probe,
}

/// How a code comes to be exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exchange {
    First,
    /// An answer was cut, or was our own failure: it may have been exchanged.
    AfterTrouble,
    /// By its rightful holder, after the tokens were told. Ends the session (clause AS-TOK-02).
    AfterSuccess,
}

/// What was asked for. Sessions are named by the `sid` of their access tokens, codes by their hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Push,
    /// A page or a form. `troubled` says that an answer of this login was lost before, so that its
    /// request may be used up.
    Page {
        troubled: bool,
    },
    Exchange {
        code: String,
        how: Exchange,
    },
    /// `last` is the round at the end, when all is well.
    Refresh {
        session: String,
        last: bool,
    },
    Revoke {
        session: String,
    },
    /// At the resource server.
    Call {
        session: String,
    },
}

impl What {
    /// Answers in JSON, errors with an OAuth error code.
    pub(crate) const fn is_oauth(&self) -> bool {
        !matches!(self, Self::Page { .. } | Self::Call { .. })
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Page { .. } => "page",
            Self::Exchange { .. } => "exchange",
            Self::Refresh { .. } => "refresh",
            Self::Revoke { .. } => "revoke",
            Self::Call { .. } => "call",
        }
    }
}

/// An answer, as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The OAuth error code, or nothing.
    pub(crate) error: String,
    /// The body is a JSON object.
    pub(crate) json: bool,
    /// The account that it is for, if it says so.
    pub(crate) sub: Option<String>,
    /// The session of the tokens in it.
    pub(crate) session: Option<String>,
}

impl Reply {
    pub(crate) fn is_good(&self) -> bool {
        is_good(self.status)
    }

    /// Refused for a reason of its own, and not for want of a nonce.
    pub(crate) fn is_refusal(&self) -> bool {
        (400..500).contains(&self.status) && self.error != "use_dpop_nonce"
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Told(Reply),
    /// Whoever sent it was told nothing. The node's answer may have been held back.
    Cut {
        withheld: Option<u16>,
    },
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) id: u64,
    pub(crate) sent: Millis,
    /// Or cut.
    pub(crate) told: Millis,
    pub(crate) who: Who,
    /// The DID that it must be for.
    pub(crate) account: Option<String>,
    pub(crate) what: What,
    /// Numbers of the DPoP proof and the client assertion in it.
    pub(crate) proof: Option<u64>,
    pub(crate) assertion: Option<u64>,
    pub(crate) outcome: Outcome,
}

impl Act {
    /// What its sender was told.
    pub(crate) const fn reply(&self) -> Option<&Reply> {
        match &self.outcome {
            Outcome::Told(reply) => Some(reply),
            Outcome::Cut { .. } => None,
        }
    }

    /// A node did it, whether that was told or not.
    pub(crate) fn was_accepted(&self) -> bool {
        match &self.outcome {
            Outcome::Told(reply) => reply.is_good(),
            Outcome::Cut { withheld } => withheld.is_some_and(is_good),
        }
    }
}

fn is_good(status: u16) -> bool {
    (200..400).contains(&status)
}

/// A time of trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spell {
    pub(crate) fault: &'static str,
    pub(crate) began: Millis,
    /// What was taken away is there again.
    pub(crate) healed: Millis,
    /// All nodes work again.
    pub(crate) recovered: Option<Millis>,
}

impl Spell {
    /// Whether this lies in it, at least in part.
    pub(crate) fn touches(&self, from: Millis, to: Millis) -> bool {
        self.began <= to && self.recovered.is_none_or(|recovered| from <= recovered)
    }
}

/// A whole run.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) acts: Vec<Act>,
    pub(crate) spells: Vec<Spell>,
    /// Nodes that ended without being told to, and lines of their logs that tell of a panic.
    pub(crate) accidents: Vec<String>,
    /// When somebody was asked for another nonce twice in a row. No promise, but official clients give
    /// such a request up.
    pub(crate) asked_twice: Vec<Millis>,
}
