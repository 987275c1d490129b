//! Connections as traces of OpenTelemetry: each with its transports as spans, and changes of their states as events.
//! With the feature `otel`, and where `OTEL_EXPORTER_OTLP_ENDPOINT` says where the collector is; the other variables of
//! OpenTelemetry's specification count, too.

use tracing_subscriber::{Layer, Registry};

use crate::Failure;

/// One of several that get what happens.
pub(crate) type Listener = Box<dyn Layer<Registry> + Send + Sync>;

#[cfg(feature = "otel")]
pub(crate) use with_otel::{Traces, start};

/// Without the feature there are none.
#[cfg(not(feature = "otel"))]
#[derive(Debug)]
pub(crate) struct Traces;

#[cfg(not(feature = "otel"))]
pub(crate) fn start() -> Result<(Option<Listener>, Traces), Failure> {
    Ok((None, Traces))
}

#[cfg(feature = "otel")]
mod with_otel {
    use std::env;

    use opentelemetry::trace::TracerProvider;
    use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::{EnvFilter, Layer as _};

    use super::{Failure, Listener};

    /// Who sends them; dropping it sends what waits.
    #[derive(Debug)]
    pub(crate) struct Traces(Option<SdkTracerProvider>);

    /// Where a collector is, the first that is set (OTLP exporter specification).
    const ENDPOINTS: [&str; 2] = [
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ];

    /// # Errors
    /// What the environment says cannot be done.
    pub(crate) fn start() -> Result<(Option<Listener>, Traces), Failure> {
        let is_set = |name: &&str| env::var(name).is_ok_and(|text| !text.is_empty());
        if !ENDPOINTS.iter().any(is_set) {
            return Ok((None, Traces(None)));
        }
        // reqwest's own client is made without a provider; an error means that there is this one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .build()?;
        let resource = Resource::builder();
        let resource = match env::var("OTEL_SERVICE_NAME") {
            Ok(_) => resource,
            Err(_) => resource.with_service_name("duologue"),
        };
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.build())
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("duologue"));
        let layer = layer.with_filter(EnvFilter::new("duologue=debug"));
        Ok((Some(layer.boxed()), Traces(Some(provider))))
    }

    impl Drop for Traces {
        fn drop(&mut self) {
            if let Some(provider) = self.0.take()
                && let Err(error) = provider.shutdown()
            {
                eprintln!("duologue: traces were not sent: {error}");
            }
        }
    }
}
