//! Many people, each with an app: they log in, refresh, call, log out, and begin again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::{StreamExt, stream};
use tokio::sync::{Semaphore, watch};

use crate::apps::App;
use crate::cluster::Account;
use crate::device::Device;
use crate::moment::{Dice, pause};
use crate::plan::Plan;
use crate::resource::{Resource, STATED};
use crate::session::Session;
use crate::sign_in::Browser;
use crate::wire::Wire;

/// Logins at once.
const LOGINS: usize = 8;

pub(crate) struct Load {
    plan: Plan,
    wire: Arc<Wire>,
    resource: Resource,
    accounts: Vec<Account>,
    logins: Semaphore,
    /// How many sessions have begun.
    begun: AtomicUsize,
    /// Sessions that go on, once their people have stopped.
    live: Mutex<Vec<Session>>,
    /// Sessions that their people ended.
    over: Mutex<Vec<Session>>,
    stop: watch::Sender<bool>,
}

impl Load {
    pub(crate) fn new(plan: Plan, wire: Arc<Wire>, accounts: Vec<Account>) -> Self {
        Self {
            plan,
            resource: Resource::start(wire.clone()),
            wire,
            accounts,
            logins: Semaphore::new(LOGINS),
            begun: AtomicUsize::new(0),
            live: Mutex::default(),
            over: Mutex::default(),
            stop: watch::Sender::new(false),
        }
    }

    /// Until so many sessions have begun.
    pub(crate) async fn until(&self, sessions: usize) {
        while self.begun.load(Ordering::Relaxed) < sessions {
            pause(200).await;
        }
    }

    /// Tells when everybody is to stop.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Everybody comes to an end of what they are doing.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Lets time pass, or less of it where everybody stops.
    async fn think(&self, milliseconds: u64) {
        let mut stop = self.stop.subscribe();
        tokio::select! {
            () = pause(milliseconds) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// One person, from the first login on.
    pub(crate) async fn person(self: Arc<Self>, number: usize) {
        let mut dice = Dice::new(self.plan.seed, number as u64);
        let account = &self.accounts[number % self.accounts.len()];
        let address = format!("10.1.{}.{}", number / 250, number % 250 + 1);
        let browser = Browser::new(&address, self.wire.clone());
        let app = if dice.chance(400) {
            App::confidential()
        } else {
            App::public()
        };
        while let Some(session) = self.log_in(&browser, &app, account, &mut dice).await {
            self.use_session(session, &mut dice).await;
            if dice.chance(200) {
                browser.forget();
            }
        }
    }

    /// Logs in, however long it takes; `None` where everybody stops.
    async fn log_in(
        &self,
        browser: &Browser,
        app: &App,
        account: &Account,
        dice: &mut Dice,
    ) -> Option<Session> {
        let address = browser.address();
        while !self.is_stopped() {
            let _permit = self.logins.acquire().await.unwrap();
            if self.is_stopped() {
                break;
            }
            let device = Device::new(app.clone(), address, self.wire.clone());
            let Some(code) = browser.log_in(&device, account).await else {
                pause(200).await;
                continue;
            };
            let stranger = device.stranger();
            let stolen = async {
                if dice.chance(250) {
                    stranger.exchange_stolen(&code, &account.did).await;
                }
            };
            let (answer, ()) = tokio::join!(device.exchange(&code, &account.did), stolen);
            let Some(answer) = answer.filter(|answer| answer.status.is_success()) else {
                continue;
            };
            let session = Session::of(device, account.clone(), &answer);
            self.begun.fetch_add(1, Ordering::Relaxed);
            if dice.chance(100) {
                stranger.exchange_stolen(&code, &account.did).await;
            }
            if dice.chance(40) {
                session.device.exchange_again(&code, &account.did).await;
                self.over.lock().unwrap().push(session);
                continue;
            }
            return Some(session);
        }
        None
    }

    /// Uses a session until its owner ends it, or everybody stops.
    async fn use_session(&self, mut session: Session, dice: &mut Dice) {
        let mean = self.plan.think;
        loop {
            self.think(dice.between(mean / 2, mean * 3 / 2)).await;
            if self.is_stopped() {
                self.live.lock().unwrap().push(session);
                return;
            }
            let told = match dice.between(0, 100) {
                0..50 => session.refresh(false).await,
                50..95 => {
                    self.resource.call(&session).await;
                    true
                }
                _ => {
                    let told = session.revoke().await;
                    session.refresh(false).await;
                    self.over.lock().unwrap().push(session);
                    self.told(told, "a revocation");
                    return;
                }
            };
            self.told(told, "a refresh");
        }
    }

    /// An outage that outlasts the time in which a lost answer can be had again makes a run worthless.
    fn told(&self, told: bool, what: &str) {
        if !told {
            let text = format!("{what} got no answer for nearly a minute");
            self.wire.witness.accident(text);
        }
    }

    /// Somebody who tries sessions that are over, again and again.
    pub(crate) async fn haunt(self: Arc<Self>) {
        let mut dice = Dice::new(self.plan.seed, 1 << 41);
        while !self.is_stopped() {
            self.think(self.plan.haunt).await;
            let session = {
                let mut over = self.over.lock().unwrap();
                if over.is_empty() {
                    continue;
                }
                let index = dice.index(over.len());
                over.swap_remove(index)
            };
            let session = self.try_ended(session, dice.chance(500)).await;
            self.over.lock().unwrap().push(session);
        }
    }

    async fn try_ended(&self, mut session: Session, refresh: bool) -> Session {
        if refresh {
            session.refresh(false).await;
        } else {
            self.resource.call(&session).await;
        }
        session
    }

    /// When all is well again: whoever holds a session refreshes it twice and calls, and nothing that is
    /// over works. Returns how many there are of each.
    pub(crate) async fn last_round(&self) -> (usize, usize) {
        let live = std::mem::take(&mut *self.live.lock().unwrap());
        let over = std::mem::take(&mut *self.over.lock().unwrap());
        let counts = (live.len(), over.len());
        let rounds = live.into_iter().map(async |mut session| {
            session.refresh(true).await;
            session.refresh(true).await;
            self.resource.call(&session).await;
        });
        stream::iter(rounds).buffer_unordered(16).count().await;
        pause(STATED + 500).await;
        let tries = over.into_iter().map(async |session| {
            let session = self.try_ended(session, true).await;
            self.try_ended(session, false).await;
        });
        stream::iter(tries).buffer_unordered(16).count().await;
        counts
    }
}
