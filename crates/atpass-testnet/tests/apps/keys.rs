//! An app's keys are exchanged while its sessions go on.

use atpass_client::{ClientError, ClientKeyset, ConfigError, Dropping, KeysetError};
use atpass_protocol::jose::PrivateKey;

use crate::scene::{UNTIL_SEEN, World, works};

fn kids(keys: &ClientKeyset) -> Vec<String> {
    let published = serde_json::to_value(keys.published()).unwrap();
    let keys = published["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// Clauses C-META-01, C-META-02 and C-REF-02: in three steps, with no session lost but those whose key is
/// dropped by force.
#[tokio::test(flavor = "multi_thread")]
async fn from_the_old_to_the_new() {
    let world = World::start().await;
    let only_old = ClientKeyset::generate().unwrap();
    let old_kid = kids(&only_old)[0].clone();
    let client = world.confidential(only_old.clone());
    let old = world.log_in(&client).await;

    // The new one is published, and servers come to know it.
    let both = only_old
        .add("new", PrivateKey::generate().unwrap())
        .unwrap();
    let replaced = client.replace_keys(both.clone(), Dropping::RefuseIfUsed);
    replaced.await.unwrap();
    assert_eq!(client.jwks().unwrap(), both.published());
    world.lab.clock.advance(UNTIL_SEEN);
    works(&old).await;
    let still_old = world.log_in(&client).await;

    // New sessions begin with it; the others keep theirs.
    let turned = both.retire(&old_kid).unwrap();
    let replaced = client.replace_keys(turned.clone(), Dropping::RefuseIfUsed);
    replaced.await.unwrap();
    let new = world.log_in(&client).await;
    let usage = client.key_usage().await.unwrap();
    assert_eq!((usage[&old_kid], usage["new"]), (2, 1));
    world.lab.clock.advance(UNTIL_SEEN);
    for session in [&old, &still_old, &new] {
        works(session).await;
    }

    // What is in use isn't dropped by mistake.
    let only_new = turned.retire(&old_kid).unwrap();
    let refused = client.replace_keys(only_new.clone(), Dropping::RefuseIfUsed);
    match refused.await {
        Err(ClientError::Config(ConfigError::Keys(KeysetError::InUse { kid, sessions }))) => {
            assert_eq!((kid, sessions), (old_kid.clone(), 2));
        }
        other => panic!("{other:?}"),
    }
    works(&old).await;
    still_old.logout().await.unwrap();

    // And if it is, the app knows before the server says so; with the key, the session comes back.
    let dropped = client.replace_keys(only_new.clone(), Dropping::EvenIfUsed);
    dropped.await.unwrap();
    let error = old.refresh().await.unwrap_err();
    assert!(matches!(error, ClientError::KeyGone { .. }), "{error}");
    assert!(error.needs_login());
    works(&new).await;
    let restored = client.replace_keys(turned, Dropping::RefuseIfUsed);
    restored.await.unwrap();
    works(&old).await;
    old.logout().await.unwrap();
    let finished = client.replace_keys(only_new, Dropping::RefuseIfUsed);
    finished.await.unwrap();
    world.lab.clock.advance(UNTIL_SEEN);
    works(&new).await;
}
