//! How often somebody may try.

use http::StatusCode;

use crate::scene::Scene;

/// Clause AS-AUTHZ-13: ten attempts an hour from an address. What can't be sent on isn't counted, so
/// that nobody is shut out by typing errors.
#[tokio::test(flavor = "multi_thread")]
async fn ten_an_hour() {
    let scene = Scene::start(&["example.com"], false).await;
    let visit = scene.visit(&[]).await;
    let page = visit.form().await;
    for _ in 0..20 {
        let answer = visit.submit(&page, &[("password", "short")]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    for _ in 0..10 {
        let answer = visit.submit(&page, &[("name", "admin")]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    // Also from another browser, and also for what would be fine.
    let other = scene.visit(&[]).await;
    let form = other.form().await;
    let answer = other.submit(&form, &[]).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let text = answer.text();
    assert!(text.contains("Too many attempts. Try again in about 6 min."));
    assert!(text.contains(r#"value="carol""#) && !text.contains("aria-invalid"));
    assert_eq!(scene.watched.asked().len(), 10);
    // Who has an account signs in all the same.
    let visit = scene.visit(&[]).await;
    let (app, uri) = (&visit.app, &visit.request_uri);
    visit
        .browser
        .approve(app, uri, "alice.test", "wonderland")
        .await;

    scene.lab.clock.advance(360);
    let other = scene.visit(&[]).await;
    let form = other.form().await;
    let answer = other.submit(&form, &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}
