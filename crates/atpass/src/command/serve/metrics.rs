//! What is counted and measured, in Prometheus's format.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::log::AUDIT;

/// Upper bounds of a request's duration, seconds. A password takes about 15 ms.
const DURATIONS: [f64; 11] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];

/// All figures. Cheap to clone.
#[derive(Clone)]
pub(super) struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    in_flight: Gauge,
    audit: Family<EventLabels, Counter>,
    swept: Family<SweptLabels, Counter>,
    database: Family<FileLabels, Gauge<i64, AtomicI64>>,
    nodes: Gauge,
    nodes_different: Gauge,
    valkey_up: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: &'static str,
    /// 0 where the client went away before the answer.
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
    method: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    event: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SweptLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FileLabels {
    file: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("atpass");
        let requests = Family::default();
        registry.register(
            "requests",
            "Requests answered; status 0 is a client that went away",
            requests.clone(),
        );
        let durations =
            Family::new_with_constructor((|| Histogram::new(DURATIONS)) as fn() -> Histogram);
        registry.register_with_unit(
            "request_duration",
            "Time from a request to its answer",
            Unit::Seconds,
            durations.clone(),
        );
        let in_flight = Gauge::default();
        registry.register(
            "requests_in_flight",
            "Requests under way",
            in_flight.clone(),
        );
        let audit = Family::default();
        registry.register("audit_events", "Events of the audit trail", audit.clone());
        let swept = Family::default();
        registry.register("swept_rows", "Rows that retention removed", swept.clone());
        let database = Family::default();
        registry.register_with_unit(
            "database_size",
            "Size of the database and of its log",
            Unit::Bytes,
            database.clone(),
        );
        let [nodes, nodes_different, valkey_up] = [
            ("nodes", "Servers on this database; 0 where it is SQLite"),
            (
                "nodes_different",
                "Servers on this database that are configured differently from this one",
            ),
            (
                "valkey_up",
                "Whether Valkey answers; 1 also where there is none",
            ),
        ]
        .map(|(name, help)| {
            let gauge: Gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        });
        Self(Arc::new(Inner {
            registry,
            requests,
            durations,
            in_flight,
            audit,
            swept,
            database,
            nodes,
            nodes_different,
            valkey_up,
        }))
    }
}

impl Metrics {
    /// A request comes.
    pub(super) fn begin(&self) {
        self.0.in_flight.inc();
    }

    /// A request is answered, or its client is gone.
    pub(super) fn end(&self, route: &str, method: &'static str, status: u16, seconds: f64) {
        self.0.in_flight.dec();
        let route = route.to_owned();
        let labels = RequestLabels {
            route: route.clone(),
            method,
            status,
        };
        self.0.requests.get_or_create(&labels).inc();
        self.0
            .durations
            .get_or_create(&RouteLabels { route, method })
            .observe(seconds);
    }

    /// Retention removed rows.
    pub(super) fn swept(&self, kind: &'static str, rows: usize) {
        self.0
            .swept
            .get_or_create(&SweptLabels { kind })
            .inc_by(rows as u64);
    }

    /// The database's size, bytes.
    pub(super) fn database(&self, main: u64, log: u64) {
        for (file, bytes) in [("main", main), ("log", log)] {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            self.0
                .database
                .get_or_create(&FileLabels { file })
                .set(bytes);
        }
    }

    /// The servers on this database, and how many are configured differently.
    pub(super) fn nodes(&self, all: usize, different: usize) {
        self.0.nodes.set(i64::try_from(all).unwrap_or(i64::MAX));
        let different = i64::try_from(different).unwrap_or(i64::MAX);
        self.0.nodes_different.set(different);
    }

    /// Whether Valkey answers.
    pub(super) fn valkey(&self, up: bool) {
        self.0.valkey_up.set(up.into());
    }

    /// All of it as text.
    pub(super) fn text(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.0.registry)?;
        Ok(out)
    }

    /// Counts the audit trail as it is written.
    pub(super) fn audit_counter(&self) -> AuditCounter {
        AuditCounter(self.clone())
    }
}

/// Counts the events of the audit trail by name.
pub(crate) struct AuditCounter(Metrics);

impl<S: tracing::Subscriber> Layer<S> for AuditCounter {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == AUDIT {
            let mut name = EventName(None);
            event.record(&mut name);
            if let Some(event) = name.0 {
                self.0.0.audit.get_or_create(&EventLabels { event }).inc();
            }
        }
    }
}

struct EventName(Option<String>);

impl Visit for EventName {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "event" {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// Measures how long something takes.
pub(super) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    pub(super) fn start() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the program's edge: how long a request takes is measured, never decided on"
        )]
        let now = std::time::Instant::now();
        Self(now)
    }

    pub(super) fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}
