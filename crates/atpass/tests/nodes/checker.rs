//! Holds a run against what was promised. A pure function: nothing is looked up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::history::{Act, Exchange, History, Millis, Outcome, What, Who};

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// A session that nobody ended doesn't go on.
    SessionLost { session: String, how: String },
    /// A session that was ended goes on, so many milliseconds later.
    RevokedAlive {
        session: String,
        how: &'static str,
        after: Millis,
    },
    /// A code was exchanged a second time, or by somebody else.
    CodeTwice { code: String },
    /// A proof counted more than once; these requests had it.
    ProofTwice { proof: u64, acts: Vec<u64> },
    /// The same of a client assertion.
    AssertionTwice { assertion: u64, acts: Vec<u64> },
    /// Tokens or a call for another account or session than the one that was asked for.
    Other {
        act: u64,
        expected: String,
        told: String,
    },
    /// An answer that isn't a proper one.
    Improper {
        act: u64,
        what: &'static str,
        how: String,
    },
    /// All that was taken away was there again, and still not every node worked.
    NotRecovered { fault: &'static str },
    /// A node ended by itself, or panicked.
    Accident(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SessionLost { session, how } => write!(f, "session {session} was lost: {how}"),
            Self::RevokedAlive {
                session,
                how,
                after,
            } => {
                write!(f, "session {session} was over, and {after} ms later {how}")
            }
            Self::CodeTwice { code } => write!(f, "code {code} was taken twice, or from another"),
            Self::ProofTwice { proof, acts } => write!(f, "proof {proof} counted twice: {acts:?}"),
            Self::AssertionTwice { assertion, acts } => {
                write!(f, "assertion {assertion} counted twice: {acts:?}")
            }
            Self::Other {
                act,
                expected,
                told,
            } => {
                write!(f, "request {act} was for {expected} and got {told}")
            }
            Self::Improper { act, what, how } => write!(f, "request {act} ({what}): {how}"),
            Self::NotRecovered { fault } => write!(f, "not every node worked again after: {fault}"),
            Self::Accident(text) => write!(f, "{text}"),
        }
    }
}

/// All that is wrong with a run. `stated` is the time after which a revoked session's access tokens
/// must be refused.
pub(crate) fn check(history: &History, stated: Millis) -> Vec<Finding> {
    let acts = &history.acts;
    let mut findings = lost(acts);
    findings.extend(alive(acts, stated));
    findings.extend(codes(acts));
    let twice = |number: fn(&Act) -> Option<u64>| used_twice(acts, number).into_iter();
    findings
        .extend(twice(|act| act.proof).map(|(proof, acts)| Finding::ProofTwice { proof, acts }));
    findings.extend(
        twice(|act| act.assertion)
            .map(|(assertion, acts)| Finding::AssertionTwice { assertion, acts }),
    );
    findings.extend(acts.iter().filter_map(other));
    findings.extend(acts.iter().filter_map(improper));
    let stuck = history
        .spells
        .iter()
        .filter(|spell| spell.recovered.is_none());
    findings.extend(stuck.map(|spell| Finding::NotRecovered { fault: spell.fault }));
    findings.extend(history.accidents.iter().cloned().map(Finding::Accident));
    findings
}

/// When the first thing was sent that may have ended each session.
fn enders(acts: &[Act]) -> BTreeMap<&str, Millis> {
    let sessions = sessions_of_codes(acts);
    let mut enders: BTreeMap<&str, Millis> = BTreeMap::new();
    for act in acts {
        if let Some(session) = ended_by(act, &sessions) {
            let sent = enders.entry(session).or_insert(act.sent);
            *sent = act.sent.min(*sent);
        }
    }
    enders
}

/// The session that this asks to end, if it does.
fn ended_by<'a>(act: &'a Act, sessions: &BTreeMap<&str, &'a str>) -> Option<&'a str> {
    match &act.what {
        What::Revoke { session } => Some(session),
        What::Exchange {
            code,
            how: Exchange::AfterSuccess,
        } => sessions.get(code.as_str()).copied(),
        _ => None,
    }
}

/// The session that the exchange of each code began, where it was told.
fn sessions_of_codes(acts: &[Act]) -> BTreeMap<&str, &str> {
    let sessions = acts.iter().filter_map(|act| match &act.what {
        What::Exchange { code, .. } if act.who == Who::Owner => {
            Some((code.as_str(), act.reply()?.session.as_deref()?))
        }
        _ => None,
    });
    sessions.collect()
}

/// A session that was told to its owner, and that nobody asked to end, goes on to the end.
fn lost(acts: &[Act]) -> Vec<Finding> {
    let enders = enders(acts);
    let mut last: BTreeMap<&str, u32> = sessions_of_codes(acts)
        .into_values()
        .filter(|session| !enders.contains_key(session))
        .map(|session| (session, 0))
        .collect();
    let mut findings = Vec::new();
    for act in acts.iter().filter(|act| act.who == Who::Owner) {
        let Some(reply) = act.reply() else { continue };
        let (session, is_last) = match &act.what {
            What::Refresh { session, last } => (session, *last),
            What::Call { session } => (session, false),
            _ => continue,
        };
        let ended = enders.get(session.as_str());
        if ended.is_some_and(|&sent| sent <= act.told) {
            continue;
        }
        if reply.is_refusal() {
            let (name, status) = (act.what.name(), reply.status);
            let how = format!("{name} {} was told {status} {}", act.id, reply.error);
            findings.push(Finding::SessionLost {
                session: session.clone(),
                how,
            });
        }
        if let Some(count) = last.get_mut(session.as_str()) {
            *count += u32::from(is_last && reply.is_good());
        }
    }
    let short = last.into_iter().filter(|(_, count)| *count < 2);
    findings.extend(short.map(|(session, count)| Finding::SessionLost {
        session: session.to_owned(),
        how: format!("at the end it could be refreshed {count} times, and not twice"),
    }));
    findings
}

/// From the moment in which its end was told, no refresh of a session succeeds; nor, the stated time
/// later, a call.
fn alive(acts: &[Act], stated: Millis) -> Vec<Finding> {
    let sessions = sessions_of_codes(acts);
    let mut over: BTreeMap<&str, Millis> = BTreeMap::new();
    for act in acts {
        let Some(reply) = act.reply() else { continue };
        let Some(session) = ended_by(act, &sessions) else {
            continue;
        };
        let told = match act.what {
            What::Revoke { .. } => reply.is_good(),
            _ => reply.error == "invalid_grant",
        };
        if told {
            let since = over.entry(session).or_insert(act.told);
            *since = act.told.min(*since);
        }
    }
    let mut findings = Vec::new();
    for act in acts.iter().filter(|act| act.was_accepted()) {
        let (session, how, after) = match &act.what {
            What::Refresh { session, .. } => (session, "a refresh of it succeeded", 0),
            What::Call { session } => (session, "a call with its access token passed", stated),
            _ => continue,
        };
        let since = over.get(session.as_str());
        if let Some(&since) = since.filter(|&&since| act.sent > since + after) {
            findings.push(Finding::RevokedAlive {
                session: session.clone(),
                how,
                after: act.sent - since,
            });
        }
    }
    findings
}

/// A code is exchanged once, by its owner.
fn codes(acts: &[Act]) -> Vec<Finding> {
    let mut taken: BTreeMap<&str, u32> = BTreeMap::new();
    let mut twice = BTreeSet::new();
    for act in acts.iter().filter(|act| act.was_accepted()) {
        let What::Exchange { code, .. } = &act.what else {
            continue;
        };
        let count = taken.entry(code).or_default();
        *count += 1;
        if *count > 1 || act.who != Who::Owner {
            twice.insert(code.clone());
        }
    }
    let finding = |code| Finding::CodeTwice { code };
    twice.into_iter().map(finding).collect()
}

/// What counted in more than one request, and in which.
fn used_twice(acts: &[Act], number: impl Fn(&Act) -> Option<u64>) -> BTreeMap<u64, Vec<u64>> {
    let mut uses: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for act in acts.iter().filter(|act| act.was_accepted()) {
        if let Some(number) = number(act) {
            uses.entry(number).or_default().push(act.id);
        }
    }
    uses.retain(|_, acts| acts.len() > 1);
    uses
}

/// Tokens are for the account that signed in, and those of a refresh for the same session.
fn other(act: &Act) -> Option<Finding> {
    let reply = act.reply().filter(|reply| reply.is_good())?;
    let finding = |expected: &str, told: &str| Finding::Other {
        act: act.id,
        expected: expected.to_owned(),
        told: told.to_owned(),
    };
    if let (Some(expected), Some(told)) = (&act.account, &reply.sub)
        && expected != told
    {
        return Some(finding(expected, told));
    }
    match (&act.what, &reply.session) {
        (What::Refresh { session, .. }, Some(told)) if session != told => {
            Some(finding(session, told))
        }
        (What::Exchange { .. } | What::Refresh { .. }, None) => {
            Some(finding("a session", "none that can be read"))
        }
        _ => None,
    }
}

/// A failure of the nodes' own is a 503, in OAuth's words where OAuth asks; a refusal has a reason that
/// the sender can know.
fn improper(act: &Act) -> Option<Finding> {
    let finding = |how: String| Finding::Improper {
        act: act.id,
        what: act.what.name(),
        how,
    };
    let reply = match &act.outcome {
        Outcome::Told(reply) => reply,
        Outcome::Cut {
            withheld: Some(status),
        } if *status >= 500 && *status != 503 => {
            return Some(finding(format!("status {status} was on its way")));
        }
        Outcome::Cut { .. } => return None,
    };
    let (status, error) = (reply.status, reply.error.as_str());
    if reply.is_good() {
        return None;
    }
    if status >= 500 && status != 503 {
        return Some(finding(format!("status {status}")));
    }
    if act.what.is_oauth() && (!reply.json || error.is_empty()) {
        return Some(finding(format!("status {status} without an OAuth error")));
    }
    if status == 503 {
        let ours = matches!(error, "temporarily_unavailable" | "server_error");
        return (act.what.is_oauth() && !ours).then(|| finding(format!("status 503 with {error}")));
    }
    let expected = match &act.what {
        _ if act.who != Who::Owner || error == "use_dpop_nonce" => true,
        What::Page { troubled } => *troubled,
        What::Exchange { how, .. } => *how != Exchange::First && error == "invalid_grant",
        // Whether it is refused rightly is asked elsewhere.
        What::Refresh { .. } => error == "invalid_grant",
        What::Call { .. } => status == 401,
        What::Push | What::Revoke { .. } => false,
    };
    (!expected).then(|| finding(format!("refused with {status} {error}")))
}

#[cfg(test)]
#[path = "checker_tests.rs"]
mod tests;
