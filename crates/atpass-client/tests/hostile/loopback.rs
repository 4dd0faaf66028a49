//! Browsers that come to a program's own listener.

use std::time::Duration;

use atpass_client::{LoginOptions, LoopbackListener};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

use crate::app::App;

async fn get(port: u16, query: String) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("GET /callback?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A page loaded again while the code is exchanged: each request gets its page, and the code is sent once.
#[tokio::test]
async fn a_page_loaded_again() {
    let app = App::start().await;
    let listener = LoopbackListener::bind().await.unwrap();
    let options = LoginOptions::default().redirect_uri(listener.redirect_uri().clone());
    let login = app.client.login_with("alice.test", options).await.unwrap();
    let url = Url::parse(listener.redirect_uri().as_str()).unwrap();
    let port = url.port().unwrap();
    let query = app.query(&login);
    app.fake.set(|script| script.holds = true);
    let client = app.client.clone();
    let finished = tokio::spawn(async move {
        let patience = Duration::from_mins(1);
        listener.finish(&client, &login, patience).await
    });
    let first = tokio::spawn(get(port, query.clone()));
    app.fake.until("token", 1).await;
    for _ in 0..2 {
        let again = get(port, query.clone()).await;
        assert!(again.starts_with("HTTP/1.1 200"), "{again}");
        assert!(again.contains("This sign-in is finished"), "{again}");
    }
    app.fake.gate.add_permits(1);
    let first = first.await.unwrap();
    assert!(first.contains("You are signed in"), "{first}");
    finished.await.unwrap().unwrap();
    assert_eq!(app.fake.count("token"), 1);
}
