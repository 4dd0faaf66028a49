//! What this thread logs, as messages to wait for.

use std::fmt::{self, Write as _};
use std::sync::OnceLock;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber, span};

/// What was logged, until it is dropped.
pub(crate) struct Log {
    entries: UnboundedReceiver<(Level, String)>,
    _guard: DefaultGuard,
}

impl Log {
    pub(crate) fn of_this_thread() -> Self {
        // With one subscriber alone, tracing takes what the thread that logs first has for what all have.
        static ANOTHER: OnceLock<Dispatch> = OnceLock::new();
        ANOTHER.get_or_init(|| Dispatch::new(Sender(mpsc::unbounded_channel().0)));
        let (sender, entries) = mpsc::unbounded_channel();
        Self {
            entries,
            _guard: tracing::subscriber::set_default(Sender(sender)),
        }
    }

    /// Waits for the next entry.
    pub(crate) async fn next(&mut self) -> (Level, String) {
        let next = tokio::time::timeout(std::time::Duration::from_secs(10), self.entries.recv());
        next.await.expect("nothing is logged").unwrap()
    }

    /// What was logged and not taken yet.
    pub(crate) fn rest(&mut self) -> Vec<(Level, String)> {
        std::iter::from_fn(|| self.entries.try_recv().ok()).collect()
    }
}

struct Sender(UnboundedSender<(Level, String)>);

impl Subscriber for Sender {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("atpass")
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let _ = self.0.send((*event.metadata().level(), text.0));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}
