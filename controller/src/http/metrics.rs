//! `/metrics` for Prometheus, counted at each request.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::lab::{Census, Lab};
use crate::serve::Tunnels;
use crate::service::Services;

const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where the numbers come from.
#[derive(Debug)]
struct Numbers {
    lab: Lab,
    services: Services,
    tunnels: Option<Tunnels>,
}

/// The route.
pub fn metrics(lab: Lab, services: Services, tunnels: Option<Tunnels>) -> Router {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Numbers {
        lab,
        services,
        tunnels,
    }));
    Router::new()
        .route("/metrics", get(show))
        .with_state(Arc::new(registry))
}

async fn show(
    State(registry): State<Arc<Registry>>,
) -> ([(http::HeaderName, &'static str); 1], String) {
    let mut text = String::new();
    if let Err(error) = prometheus_client::encoding::text::encode(&mut text, &registry) {
        tracing::error!(%error, "the metrics cannot be written");
    }
    ([(CONTENT_TYPE, FORMAT)], text)
}

// === impl Numbers ===

impl Collector for Numbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Census {
            clients,
            exporters,
            leases,
            happened,
        } = self.lab.census();
        gauge(&mut encoder, "jumpstarter_clients", "Clients", clients)?;
        for (name, help, count) in [
            ("jumpstarter_exporters", "Exporters", exporters.all),
            (
                "jumpstarter_exporters_online",
                "Exporters that are connected",
                exporters.online,
            ),
            (
                "jumpstarter_exporters_disabled",
                "Exporters that are disabled",
                exporters.disabled,
            ),
            (
                "jumpstarter_exporters_leased",
                "Exporters that serve a lease",
                exporters.leased,
            ),
            (
                "jumpstarter_leases_active",
                "Leases that have an exporter",
                leases.active,
            ),
            (
                "jumpstarter_leases_pending",
                "Leases that wait for an exporter",
                leases.pending,
            ),
            (
                "jumpstarter_leases_scheduled",
                "Leases whose time has not come",
                leases.scheduled,
            ),
            (
                "jumpstarter_exporters_listening",
                "Exporters that wait for clients to dial",
                self.services.listeners().count(),
            ),
        ] {
            gauge(&mut encoder, name, help, count)?;
        }
        labelled(
            &mut encoder,
            "jumpstarter_lease_acquisitions",
            "Leases that got their exporter, or never will",
            "result",
            [
                ("success", count(&happened, "LeaseGranted")),
                ("failure", count(&happened, "LeaseRefused")),
            ],
        )?;
        labelled(
            &mut encoder,
            "jumpstarter_events",
            "What happened since the start",
            "event",
            happened.iter().map(|(what, count)| (*what, *count)),
        )?;
        if let Some(tunnels) = &self.tunnels {
            let waiting = tunnels.waiting();
            gauge(
                &mut encoder,
                "jumpstarter_router_streams_waiting",
                "Streams without other side",
                waiting,
            )?;
            let joined = usize::try_from(tunnels.joined()).unwrap_or(usize::MAX);
            gauge(
                &mut encoder,
                "jumpstarter_router_streams_joined",
                "Streams that flow",
                joined,
            )?;
            let bytes = ConstCounter::new(tunnels.bytes());
            let encoder = encoder.encode_descriptor(
                "jumpstarter_router_bytes",
                "Bytes that were passed on, both ways",
                None,
                bytes.metric_type(),
            )?;
            bytes.encode(encoder)?;
        }
        Ok(())
    }
}

fn count(happened: &std::collections::BTreeMap<&'static str, u64>, what: &str) -> u64 {
    happened.get(what).copied().unwrap_or_default()
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: usize,
) -> Result<(), fmt::Error> {
    let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    let encoder = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
    gauge.encode(encoder)
}

fn labelled<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &str,
    values: impl IntoIterator<Item = (&'a str, u64)>,
) -> Result<(), fmt::Error> {
    let kind = prometheus_client::metrics::MetricType::Counter;
    let mut encoder = encoder.encode_descriptor(name, help, None, kind)?;
    for (value, count) in values {
        let labels = [(label, value)];
        ConstCounter::new(count).encode(encoder.encode_family(&labels)?)?;
    }
    Ok(())
}
