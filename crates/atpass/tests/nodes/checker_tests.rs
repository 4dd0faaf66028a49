//! Bad histories, and what the checker must say of them.

use super::*;
use crate::history::{Reply, Spell};

const STATED: Millis = 6000;
const DID: &str = "did:web:person.example.com";

fn told(status: u16, error: &str) -> Outcome {
    Outcome::Told(Reply {
        status,
        error: error.into(),
        json: true,
        ..Reply::default()
    })
}

/// Tokens of a session.
fn tokens(session: &str) -> Outcome {
    Outcome::Told(Reply {
        status: 200,
        json: true,
        sub: Some(DID.into()),
        session: Some(session.into()),
        ..Reply::default()
    })
}

/// A request at this time, answered a moment later.
fn act(sent: Millis, what: What, outcome: Outcome) -> Act {
    Act {
        id: sent,
        sent,
        told: sent + 10,
        who: Who::Owner,
        account: Some(DID.into()),
        what,
        proof: Some(sent),
        assertion: None,
        outcome,
    }
}

fn by_attacker(act: Act) -> Act {
    Act {
        who: Who::Attacker,
        ..act
    }
}

fn exchange(how: Exchange) -> What {
    What::Exchange {
        code: "c".into(),
        how,
    }
}

fn refresh(last: bool) -> What {
    What::Refresh {
        session: "s".into(),
        last,
    }
}

fn revoke() -> What {
    What::Revoke {
        session: "s".into(),
    }
}

fn call() -> What {
    What::Call {
        session: "s".into(),
    }
}

fn login() -> Act {
    act(100, exchange(Exchange::First), tokens("s"))
}

/// A session from its login to two refreshes at the end.
fn good() -> Vec<Act> {
    vec![
        login(),
        act(200, refresh(false), tokens("s")),
        act(300, call(), told(200, "")),
        act(90_000, refresh(true), tokens("s")),
        act(90_100, refresh(true), tokens("s")),
    ]
}

/// One that was revoked at 500, and told so at 510.
fn revoked() -> Vec<Act> {
    vec![login(), act(500, revoke(), told(200, ""))]
}

fn findings(acts: Vec<Act>) -> Vec<Finding> {
    let history = History {
        acts,
        ..History::default()
    };
    check(&history, STATED)
}

/// What is found when this is added to a history.
fn with(mut acts: Vec<Act>, more: Act) -> Vec<Finding> {
    acts.push(more);
    findings(acts)
}

#[test]
fn a_good_run_has_no_findings() {
    assert_eq!(findings(good()), []);
    let mut acts = revoked();
    // Sent before the revocation was told, and just before the stated time was over.
    acts.push(act(505, refresh(false), tokens("s")));
    acts.push(act(6510, call(), told(200, "")));
    acts.push(act(700, refresh(false), told(400, "invalid_grant")));
    acts.push(act(7000, call(), told(401, "over")));
    assert_eq!(findings(acts), []);
}

#[test]
fn a_cut_answer_that_is_asked_for_again_is_fine() {
    let mut acts = good();
    let withheld = Some(200);
    acts.push(act(400, refresh(false), Outcome::Cut { withheld }));
    acts.push(act(450, refresh(false), tokens("s")));
    acts.push(act(
        460,
        refresh(false),
        told(503, "temporarily_unavailable"),
    ));
    acts.push(act(470, refresh(false), told(400, "use_dpop_nonce")));
    assert_eq!(findings(acts), []);
}

#[test]
fn a_session_that_is_refused_is_lost() {
    let refused = act(400, refresh(false), told(400, "invalid_grant"));
    let found = with(good(), refused);
    assert!(
        matches!(found[..], [Finding::SessionLost { .. }]),
        "{found:?}"
    );
    let found = with(good(), act(400, call(), told(401, "over")));
    assert!(
        matches!(found[..], [Finding::SessionLost { .. }]),
        "{found:?}"
    );
}

#[test]
fn a_session_that_nobody_could_refresh_at_the_end_is_lost() {
    let mut acts = good();
    acts.pop();
    let found = findings(acts);
    assert!(
        matches!(found[..], [Finding::SessionLost { .. }]),
        "{found:?}"
    );
    // Asked for, and never told.
    let withheld = Some(200);
    let mut acts = good();
    acts[4].outcome = Outcome::Cut { withheld };
    let found = findings(acts);
    assert!(
        matches!(found[..], [Finding::SessionLost { .. }]),
        "{found:?}"
    );
}

#[test]
fn a_refusal_before_anybody_ended_the_session_is_a_loss() {
    let refused = act(300, refresh(false), told(400, "invalid_grant"));
    let found = with(revoked(), refused);
    assert!(
        matches!(found[..], [Finding::SessionLost { .. }]),
        "{found:?}"
    );
}

#[test]
fn a_revoked_session_that_goes_on() {
    let alive = |found: Vec<Finding>, after: Millis| {
        let [Finding::RevokedAlive { after: told, .. }] = found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(told, after);
    };
    alive(with(revoked(), act(511, refresh(false), tokens("s"))), 1);
    let withheld = Some(200);
    let cut = Outcome::Cut { withheld };
    alive(with(revoked(), act(600, refresh(false), cut)), 90);
    let replay = by_attacker(act(700, refresh(false), tokens("s")));
    alive(with(revoked(), replay), 190);
    alive(with(revoked(), act(6511, call(), told(200, ""))), 6001);
}

/// As long as the end wasn't told, nothing is promised; and from a reused code on, the same is.
#[test]
fn a_session_ends_when_that_is_told() {
    let acts = vec![
        login(),
        act(500, revoke(), Outcome::Cut { withheld: None }),
        act(600, refresh(false), tokens("s")),
    ];
    assert_eq!(findings(acts), []);
    let again = exchange(Exchange::AfterSuccess);
    let acts = vec![
        login(),
        act(500, again, told(400, "invalid_grant")),
        act(600, refresh(false), tokens("s")),
    ];
    let found = findings(acts);
    assert!(
        matches!(found[..], [Finding::RevokedAlive { .. }]),
        "{found:?}"
    );
}

#[test]
fn a_code_that_counts_twice() {
    let twice = Finding::CodeTwice { code: "c".into() };
    let again = act(150, exchange(Exchange::AfterTrouble), tokens("s"));
    assert_eq!(with(good(), again.clone()), std::slice::from_ref(&twice));
    let withheld = Some(200);
    let mut cut = again;
    cut.outcome = Outcome::Cut { withheld };
    assert_eq!(with(good(), cut), std::slice::from_ref(&twice));
    // By somebody else, and by nobody else.
    let stolen = by_attacker(act(50, exchange(Exchange::First), tokens("t")));
    assert_eq!(findings(vec![stolen]), [twice]);
}

#[test]
fn a_proof_and_an_assertion_that_count_twice() {
    let mut replay = by_attacker(act(250, What::Push, told(201, "")));
    replay.proof = Some(200);
    let acts = vec![200, 250];
    assert_eq!(
        with(good(), replay),
        [Finding::ProofTwice { proof: 200, acts }]
    );
    let mut acts = good();
    acts[1].assertion = Some(7);
    let mut replay = by_attacker(act(250, What::Push, Outcome::Cut { withheld: None }));
    replay.assertion = Some(7);
    assert_eq!(with(acts.clone(), replay.clone()), []);
    // It counted, even where the attacker wasn't told.
    replay.outcome = Outcome::Cut {
        withheld: Some(201),
    };
    let twice = Finding::AssertionTwice {
        assertion: 7,
        acts: vec![200, 250],
    };
    assert_eq!(with(acts, replay), [twice]);
}

#[test]
fn tokens_for_somebody_else() {
    let mut other = act(400, refresh(false), tokens("s"));
    other.account = Some("did:web:other.example.com".into());
    let found = with(good(), other);
    assert!(matches!(found[..], [Finding::Other { .. }]), "{found:?}");
    let found = with(good(), act(400, refresh(false), tokens("t")));
    assert!(matches!(found[..], [Finding::Other { .. }]), "{found:?}");
    let found = with(good(), act(400, refresh(false), told(200, "")));
    assert!(matches!(found[..], [Finding::Other { .. }]), "{found:?}");
}

#[test]
fn answers_that_are_none() {
    let page = |troubled| What::Page { troubled };
    let unreadable = Outcome::Told(Reply {
        status: 503,
        ..Reply::default()
    });
    let on_its_way = Outcome::Cut {
        withheld: Some(500),
    };
    for (what, outcome) in [
        (What::Push, told(500, "server_error")),
        (What::Push, told(502, "")),
        (What::Push, unreadable),
        (What::Push, on_its_way),
        (What::Push, told(503, "invalid_grant")),
        (What::Push, told(400, "invalid_request")),
        (revoke(), told(400, "")),
        (exchange(Exchange::First), told(400, "invalid_grant")),
        (page(false), told(400, "")),
        (page(false), told(429, "")),
    ] {
        let found = findings(vec![act(100, what.clone(), outcome.clone())]);
        let improper = matches!(found[..], [Finding::Improper { .. }]);
        assert!(improper, "{what:?} {outcome:?}: {found:?}");
    }
    for (what, outcome) in [
        (What::Push, told(503, "temporarily_unavailable")),
        (page(false), told(503, "")),
        (page(true), told(400, "")),
        (exchange(Exchange::AfterTrouble), told(400, "invalid_grant")),
        (call(), told(503, "")),
    ] {
        let found = findings(vec![act(100, what, outcome)]);
        assert_eq!(found, []);
    }
}

#[test]
fn nodes_that_dont_come_back() {
    let history = History {
        spells: vec![Spell {
            fault: "a node is killed",
            began: 0,
            healed: 10,
            recovered: None,
        }],
        accidents: vec!["node0.toml ended by itself".into()],
        ..History::default()
    };
    let found = check(&history, STATED);
    assert!(
        matches!(
            found[..],
            [Finding::NotRecovered { .. }, Finding::Accident(_)]
        ),
        "{found:?}"
    );
}
