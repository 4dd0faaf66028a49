//! A week of fake time with a thousand sessions of both classes: every lifetime ends when it must, and
//! the tables stay bounded (clauses AS-REF-03, AS-REF-04, AS-REF-11).

use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::time::Clock;
use atpass_provider::Lifetimes;
use atpass_provider::store::Swept;
use http::StatusCode;

use crate::common::{App, Browser, Signer, Tokens, code_of};
use crate::site::{World, confidential, serves};

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;
/// Sessions of each class. Half of each is used every day, the other half never again.
const EACH: usize = 500;

/// Shorter than usual, so that all of them end within the week.
const LIFETIMES: fn() -> Lifetimes = || Lifetimes {
    public_session: 3 * DAY,
    confidential_refresh: 2 * DAY,
    confidential_session: 5 * DAY,
    ..Lifetimes::default()
};

struct Held {
    app: App,
    tokens: Tokens,
    public: bool,
    active: bool,
}

impl Held {
    /// Whether its refresh token is good on this day: by the rules, not by the server.
    fn is_good(&self, day: i64) -> bool {
        match (self.public, self.active) {
            (true, _) => day < 3,
            (false, true) => day < 5,
            (false, false) => day < 2,
        }
    }
}

/// Logs in through a browser in which alice has signed in before.
async fn log_in(app: App, browser: &Browser, public: bool, active: bool) -> Held {
    let verifier = CodeVerifier::generate(&SystemRandom);
    let request_uri = app.push(&verifier, &[("login_hint", "alice.test")]).await;
    let page = browser.open(&app, &request_uri).await;
    let code = if page.status == StatusCode::SEE_OTHER {
        code_of(&page)
    } else {
        code_of(&browser.decide(&app, &request_uri, &page, "authorize").await)
    };
    let tokens = Tokens::of(&app.exchange(&code, &verifier).await);
    Held {
        app,
        tokens,
        public,
        active,
    }
}

fn sizes(world: &World) -> String {
    let rows = world.lab.rows().into_iter();
    let wanted = [
        "requests",
        "codes",
        "sessions",
        "seen",
        "approvals",
        "devices",
    ];
    let rows = rows.filter(|(name, _)| wanted.contains(&name.as_str()));
    let texts: Vec<_> = rows.map(|(name, rows)| format!("{name} {rows}")).collect();
    texts.join(", ")
}

/// Retention in batches, until nothing is left to remove. Returns how many batches it took.
async fn sweep(world: &World) -> u32 {
    const BATCH: u32 = 100;
    let mut batches = 0;
    loop {
        let swept = world.lab.network.sweep(BATCH).await.unwrap();
        if swept == Swept::default() {
            return batches;
        }
        let most = [swept.requests, swept.codes, swept.devices, swept.assertions];
        assert!(most.iter().all(|&rows| rows <= BATCH as usize), "{swept:?}");
        batches += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_with_a_thousand_sessions() {
    let signer = Signer::new("k1");
    let world = World::configured(serves(confidential(&[&signer])), |config| {
        config.lifetimes = LIFETIMES();
    })
    .await;
    let browser = Browser::new(&world.lab.app());
    let mut held = Vec::new();
    // The first sign-ins take the password, and confidential clients are approved once.
    for app in [world.lab.app(), world.app(Some(&signer))] {
        let verifier = CodeVerifier::generate(&SystemRandom);
        let request_uri = app.push(&verifier, &[]).await;
        browser
            .approve(&app, &request_uri, "alice.test", "wonderland")
            .await;
    }
    for n in 0..EACH {
        held.push(log_in(world.lab.app(), &browser, true, n % 2 == 0).await);
        held.push(log_in(world.app(Some(&signer)), &browser, false, n % 2 == 0).await);
    }
    println!("day 0: {}", sizes(&world));

    for day in 1..=7 {
        world.lab.clock.advance(DAY);
        let now = world.lab.clock.now();
        let mut good = 0;
        for held in &mut held {
            held.app.now = now;
            // Those that nobody uses are asked on the day of their end and after it only.
            if !held.active && held.is_good(day) {
                continue;
            }
            let answer = held.app.refresh(&held.tokens.refresh).await;
            if held.is_good(day) {
                held.tokens = Tokens::of(&answer);
                good += 1;
            } else {
                assert_eq!(
                    answer.error(),
                    "invalid_grant",
                    "day {day}, public {}",
                    held.public
                );
            }
        }
        let batches = sweep(&world).await;
        println!(
            "day {day}: {good} refreshed, {batches} batches; {}",
            sizes(&world)
        );
    }
    // What ended is remembered for a month, and no longer.
    world.lab.clock.advance(31 * DAY);
    sweep(&world).await;
    let left = sizes(&world);
    println!("a month later: {left}");
    for empty in ["requests 0", "codes 0", "sessions 0", "seen 0"] {
        assert!(left.contains(empty), "{left}");
    }
}
