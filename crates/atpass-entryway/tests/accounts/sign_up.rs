//! An account's making, and what comes of it where something stops half-way.

use atpass_entryway::SignUpPolicy;
use atpass_entryway::store::EntrywayStore;
use atpass_protocol::secret::Secret;
use atpass_provider::sign_up::{NewAccount, SignUp, SignUpError};

use crate::support::{LATER, NOW, PdsMood, World, person};

const ALICE: &str = "alice.garden.net";

#[tokio::test]
async fn an_account_is_made() {
    let world = World::open().await;
    let account = world.sign_up(ALICE).await.unwrap();
    assert_eq!(account.handle.as_str(), ALICE);
    assert!(account.active);
    assert_eq!(world.find(ALICE).await.as_ref(), Some(&account.did));
    assert_eq!(world.store.begun(), 0);
    assert_eq!(world.directory.handle(&account.did).unwrap(), ALICE);
    assert_eq!(world.pdses[0].handle(&account.did).unwrap(), ALICE);
    // There is nothing left to do.
    assert_eq!(world.entryway.finish_sign_ups(LATER).await.unwrap(), 0);
}

#[tokio::test]
async fn each_goes_to_the_pds_with_the_fewest() {
    let world = World::open().await;
    for handle in ["one.garden.net", "two.garden.net", "three.garden.net"] {
        let account = world.sign_up(handle).await.unwrap();
        let pds = world.entryway.pds_of(&account.audience).unwrap();
        assert!(pds.has_account(&account.did).await.unwrap());
    }
    let counts: Vec<_> = world.pdses.iter().map(|pds| pds.count()).collect();
    assert_eq!(counts, [2, 1]);
}

#[tokio::test]
async fn a_pds_that_refuses_leaves_nothing_taken() {
    let world = World::with_policy(SignUpPolicy::Invite).await;
    world.store.add_invite("spore", 1, NOW).await.unwrap();
    let invited = || NewAccount {
        invite: Some("spore".into()),
        ..person(ALICE)
    };
    world.set_moods(PdsMood::Refuses);
    let refused = world.entryway.sign_up(invited(), NOW).await;
    assert!(matches!(refused, Err(SignUpError::Unavailable(why)) if why.contains("don't like")));
    assert_eq!(
        (world.store.begun(), world.store.uses_left("spore")),
        (0, 1)
    );
    world.set_moods(PdsMood::Fine);
    world.entryway.sign_up(invited(), NOW).await.unwrap();
    assert_eq!(world.store.uses_left("spore"), 0);
    let invite_used = NewAccount {
        invite: Some("spore".into()),
        ..person("bob.garden.net")
    };
    for invite in [invite_used, person("carol.garden.net")] {
        let refused = world.entryway.sign_up(invite, NOW).await;
        assert!(matches!(refused, Err(SignUpError::Invite)));
    }
}

#[tokio::test]
async fn a_pds_that_gives_no_answer_is_asked_again_later() {
    let world = World::open().await;
    world.set_moods(PdsMood::Hangs);
    let silent = world.sign_up(ALICE).await;
    assert!(matches!(silent, Err(SignUpError::Unavailable(_))));
    // Nobody knows, so that all stays taken.
    assert_eq!((world.store.begun(), world.find(ALICE).await), (1, None));
    let other = NewAccount {
        email: "other@example.com".into(),
        ..person(ALICE)
    };
    let taken = world.entryway.sign_up(other, NOW).await;
    assert!(matches!(taken, Err(SignUpError::HandleTaken)));

    world.set_moods(PdsMood::Fine);
    // A request may still wait for it.
    assert_eq!(
        world.entryway.finish_sign_ups(NOW.plus(60)).await.unwrap(),
        0
    );
    assert_eq!(world.entryway.finish_sign_ups(LATER).await.unwrap(), 1);
    assert!(world.find(ALICE).await.is_some());
    assert_eq!(world.pdses[0].count(), 1);
}

/// What was typed may be sent again; whoever doesn't know the password learns only that the handle is taken.
#[tokio::test]
async fn the_same_person_goes_on_with_what_was_begun() {
    for mood in [PdsMood::Hangs, PdsMood::HangsAfter, PdsMood::Down] {
        let world = World::open().await;
        world.set_moods(mood);
        assert!(world.sign_up(ALICE).await.is_err());
        world.set_moods(PdsMood::Fine);
        let stranger = NewAccount {
            password: Secret::new("a guess at it"),
            ..person(ALICE)
        };
        let refused = world.entryway.sign_up(stranger, NOW).await;
        if mood == PdsMood::Down {
            // That one was over before it took anything: whoever comes first has it.
            refused.unwrap();
            continue;
        }
        assert!(matches!(refused, Err(SignUpError::HandleTaken)), "{mood:?}");
        let account = world.sign_up(ALICE).await.unwrap();
        assert_eq!(world.find(ALICE).await, Some(account.did), "{mood:?}");
        assert_eq!((world.store.begun(), world.pdses[0].count()), (0, 1));
    }
}

/// The process dies while the PDS works: the request is dropped where it stands.
#[tokio::test]
async fn a_crash_at_any_step_loses_nothing() {
    for (mood, ended) in [
        (PdsMood::HangsAtKey, 0),
        (PdsMood::Hangs, 1),
        (PdsMood::HangsAfter, 1),
    ] {
        let world = World::open().await;
        world.set_moods(mood);
        tokio::select! {
            result = world.sign_up(ALICE) => panic!("it ended: {result:?}"),
            () = world.pdses[0].hanging.notified() => {}
        }
        world.set_moods(PdsMood::Fine);
        assert_eq!(world.entryway.finish_sign_ups(LATER).await.unwrap(), ended);
        assert_eq!(world.find(ALICE).await.is_some(), ended == 1, "{mood:?}");
        if ended == 0 {
            world.sign_up(ALICE).await.unwrap();
        }
        let did = world.find(ALICE).await.unwrap();
        assert_eq!(world.directory.count(&did), 1, "{mood:?}");
        assert_eq!((world.store.begun(), world.pdses[0].count()), (0, 1));
    }
}

#[tokio::test]
async fn a_crash_before_the_last_step_loses_nothing() {
    let world = World::open().await;
    world.store.stop_before_the_end();
    let stopped = world.sign_up(ALICE).await;
    assert!(matches!(stopped, Err(SignUpError::Store(_))));
    assert_eq!(world.find(ALICE).await, None);
    assert_eq!(world.entryway.finish_sign_ups(LATER).await.unwrap(), 1);
    assert!(world.find(ALICE).await.is_some());
    assert_eq!(world.pdses[0].count(), 1);
}

/// Of two requests for one account the later is refused because of the earlier: the account is there.
#[tokio::test]
async fn a_refusal_is_believed_only_where_there_is_no_account() {
    let world = World::open().await;
    world.set_moods(PdsMood::RefusesAfter);
    let account = world.sign_up(ALICE).await.unwrap();
    assert_eq!(world.find(ALICE).await, Some(account.did));
}

#[tokio::test]
async fn what_a_pds_began_and_never_ends_is_given_up_after_a_day() {
    let world = World::open().await;
    world.set_moods(PdsMood::HalfMade);
    assert!(world.sign_up(ALICE).await.is_err());
    assert_eq!(world.entryway.finish_sign_ups(LATER).await.unwrap(), 0);
    // A PDS that is down may have it.
    world.set_moods(PdsMood::Down);
    let next_day = NOW.plus(24 * 60 * 60 + 1);
    assert_eq!(world.entryway.finish_sign_ups(next_day).await.unwrap(), 0);
    world.set_moods(PdsMood::HalfMade);
    assert_eq!(world.entryway.finish_sign_ups(next_day).await.unwrap(), 1);
    assert_eq!((world.store.begun(), world.find(ALICE).await), (0, None));
}

#[tokio::test]
async fn a_refusal_later_frees_the_handle() {
    let world = World::open().await;
    world.set_moods(PdsMood::Hangs);
    assert!(world.sign_up(ALICE).await.is_err());
    world.set_moods(PdsMood::Refuses);
    assert_eq!(world.entryway.finish_sign_ups(LATER).await.unwrap(), 1);
    world.set_moods(PdsMood::Fine);
    world.sign_up(ALICE).await.unwrap();
}

#[tokio::test]
async fn of_two_who_want_one_handle_one_has_it() {
    let world = World::open().await;
    let wants = async |email: &str| {
        let new = NewAccount {
            email: email.into(),
            ..person(ALICE)
        };
        world.entryway.sign_up(new, NOW).await
    };
    let both = tokio::join!(wants("one@example.com"), wants("two@example.com"));
    let (made, taken) = match both {
        (Ok(made), Err(taken)) | (Err(taken), Ok(made)) => (made, taken),
        both => panic!("{both:?}"),
    };
    assert!(matches!(taken, SignUpError::HandleTaken));
    assert_eq!(world.find(ALICE).await, Some(made.did));
    let counts: Vec<_> = world.pdses.iter().map(|pds| pds.count()).collect();
    assert_eq!(counts.iter().sum::<usize>(), 1);

    let same_address = NewAccount {
        email: "one@example.com".into(),
        ..person("bob.garden.net")
    };
    let other_address = NewAccount {
        email: "two@example.com".into(),
        ..person("carol.garden.net")
    };
    let both = [
        world.entryway.sign_up(same_address, NOW).await,
        world.entryway.sign_up(other_address, NOW).await,
    ];
    let taken = |result: &&Result<_, _>| matches!(result, Err(SignUpError::EmailTaken));
    assert_eq!(both.iter().filter(taken).count(), 1);
}

#[tokio::test]
async fn what_nobody_can_have() {
    let world = World::open().await;
    for handle in [
        "al.garden.net",
        "admin.garden.net",
        "a.b.garden.net",
        "alice.example.org",
    ] {
        let refused = world.sign_up(handle).await;
        assert!(
            matches!(refused, Err(SignUpError::HandleRefused)),
            "{handle}"
        );
    }
    for (email, password) in [
        ("alice", "correct horse battery"),
        ("alice@example.com", "seven77"),
        ("alice@example.com", &"x".repeat(257)),
    ] {
        let new = NewAccount {
            email: email.into(),
            password: Secret::new(password),
            ..person(ALICE)
        };
        let refused = world.entryway.sign_up(new, NOW).await;
        assert!(
            matches!(refused, Err(SignUpError::Unavailable(_))),
            "{email}"
        );
    }
    let closed = World::with_policy(SignUpPolicy::Closed).await;
    assert!(closed.entryway.domains().is_empty());
    let refused = closed.sign_up(ALICE).await;
    assert!(matches!(refused, Err(SignUpError::HandleRefused)));
}
