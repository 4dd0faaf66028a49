//! The laws of [`EntrywayStore`].

mod accounts;
mod old_apps;
mod races;

use std::sync::Arc;

use atpass_entryway::store::{
    AccountRecord, AppPasswordRecord, EntrywayStore, LegacyRotation, LegacySessionRecord,
    SignUpRecord,
};
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::Identifier;

use super::{DAY, NOW};

/// Callers at once.
const CALLERS: u8 = 64;
const GRACE: i64 = 60;

/// Runs all laws of an entryway's memory against an empty store. Panics with the place of the one that doesn't
/// hold.
pub async fn check_entryway_store_contract(store: Arc<dyn EntrywayStore>) {
    accounts::sign_up(&*store).await;
    accounts::in_the_making(&*store).await;
    accounts::import(&*store).await;
    accounts::used_accounts_are_kept(&*store).await;
    accounts::addresses(&*store).await;
    old_apps::codes(&*store).await;
    old_apps::app_passwords(&*store).await;
    old_apps::legacy_sessions(&*store).await;
    old_apps::legacy_rotation(&*store).await;
    old_apps::sweeping(&*store).await;
    races::one_winner_of_a_handle(&store).await;
    races::as_many_winners_as_an_invite_has_uses(&store).await;
    races::one_winner_of_a_code(&store).await;
    races::one_next_generation(&store).await;
    super::linear::check_entryway(&store).await;
}

pub(super) fn did(name: &str) -> Did {
    Did::parse(&format!("did:web:{name}.example.com")).unwrap()
}

pub(super) fn handle(name: &str) -> Handle {
    Handle::parse(&format!("{name}.test")).unwrap()
}

pub(super) fn account(name: &str) -> AccountRecord {
    AccountRecord {
        did: did(name),
        handle: handle(name),
        email: Some(format!("{name}@example.com")),
        email_confirmed_at: None,
        password_hash: format!("hash of {name}"),
        pds: did("pds"),
        created_at: NOW,
        active: true,
        deactivated_at: None,
        sessions_ended_at: None,
    }
}

pub(super) fn new(name: &str, invite: Option<&str>) -> SignUpRecord {
    SignUpRecord {
        account: account(name),
        operation: "{}".into(),
        invite: invite.map(Into::into),
    }
}

/// An account that is there.
async fn made(store: &dyn EntrywayStore, name: &str) -> AccountRecord {
    assert_eq!(store.begin_sign_up(&new(name, None)).await, Ok(Ok(())));
    assert_eq!(store.finish_sign_up(&did(name)).await, Ok(true));
    account(name)
}

async fn find(store: &dyn EntrywayStore, name: &str) -> Option<AccountRecord> {
    store.account(&Identifier::Did(did(name))).await.unwrap()
}

pub(super) fn app_password(name: &str, password: &str) -> AppPasswordRecord {
    AppPasswordRecord {
        did: did(name),
        name: password.into(),
        hash: format!("hash of {password}"),
        created_at: NOW,
        privileged: false,
    }
}

pub(super) fn session(id: i64, name: &str, app_password: Option<&str>) -> LegacySessionRecord {
    LegacySessionRecord {
        id: SessionId::from_i64(id),
        did: did(name),
        app_password: app_password.map(|name| (name.into(), false)),
        generation: 0,
        rotated_at: NOW,
        expires_at: NOW.plus(DAY),
    }
}

async fn is_live(store: &dyn EntrywayStore, id: i64) -> bool {
    let rotation = store
        .rotate_legacy_session(
            SessionId::from_i64(id),
            0,
            NOW,
            i64::from(u32::MAX),
            NOW.plus(DAY),
        )
        .await;
    matches!(rotation.unwrap(), LegacyRotation::GoesOn(_))
}

/// The answers of many callers at once.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    call: impl Fn(u8) -> F,
) -> Vec<T> {
    let calls: Vec<_> = (0..CALLERS).map(|n| tokio::spawn(call(n))).collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}
