//! `NativeEndpoint`: the choices that servers make, and what their connections share.

use std::net::IpAddr;
use std::sync::Arc;

use duologue_jsep::Capabilities;
use duologue_session::{Bitrate, ExternalAddress, SessionConfig, TcpTypes};
use duologue_tokio::{EndpointOptions, InterfaceFilter, Ports, SocketOptions, TlsRoots};
use napi::bindgen_prelude::{JsObjectValue, Object, Result, Unknown};
use napi::{Env, Error};
use napi_derive::napi;
use serde::Deserialize;

use crate::environment::Environment;

/// Connections that are made on it keep what it stands for.
#[napi(js_name = "Endpoint")]
#[derive(Debug)]
pub struct NativeEndpoint {
    /// None once it is closed.
    environment: Option<Arc<Environment>>,
}

/// Datagrams that were lost in this host.
#[napi(object)]
#[derive(Debug)]
pub struct NativeEndpointStats {
    /// Trains that the system refused to send.
    pub send_errors: f64,
    /// Trains whose destination belongs to another connection of the shared port.
    pub send_conflicts: f64,
    /// Calls that failed to receive.
    pub receive_errors: f64,
    /// What arrived at the shared port for no connection.
    pub unroutable: f64,
    /// Trains for a connection of the shared port that was too slow.
    pub queue_overflows: f64,
    /// Trains for a stream without room.
    pub stream_overflows: f64,
}

/// `createEndpoint()`: `{ value }`, or `{ error }` with the reason why there is none.
#[napi(ts_args_type = "options: object", ts_return_type = "object")]
pub fn create_endpoint<'env>(env: &'env Env, options: Unknown<'_>) -> Result<Object<'env>> {
    let options: Options = env.from_js_value(options)?;
    let mut reply = Object::new(env)?;
    let made = Environment::new(options.driver(), options.capabilities(), |session| {
        options.configure(session);
    });
    match made {
        Ok(made) => {
            let environment = Some(Arc::new(made));
            reply.set_named_property("value", NativeEndpoint { environment })?;
        }
        Err(error) => reply.set_named_property("error", error.to_string())?,
    }
    Ok(reply)
}

#[napi]
impl NativeEndpoint {
    pub(crate) fn environment(&self) -> Result<Arc<Environment>> {
        let closed = || Error::from_reason("the endpoint is closed");
        self.environment.clone().ok_or_else(closed)
    }

    /// `sharedPort`
    #[napi(getter, ts_return_type = "number | null")]
    pub fn shared_port(&self) -> Option<u16> {
        self.environment.as_ref()?.endpoint.shared_port()
    }

    /// `stats()`
    #[napi]
    pub fn stats(&self) -> Result<NativeEndpointStats> {
        let stats = self.environment()?.endpoint.stats();
        Ok(NativeEndpointStats {
            send_errors: stats.send_errors as f64,
            send_conflicts: stats.send_conflicts as f64,
            receive_errors: stats.receive_errors as f64,
            unroutable: stats.unroutable as f64,
            queue_overflows: stats.queue_overflows as f64,
            stream_overflows: stats.stream_overflows as f64,
        })
    }

    /// `metrics()`: the text that Prometheus reads.
    #[napi]
    pub fn metrics(&self) -> Result<String> {
        Ok(self.environment()?.endpoint.metrics().to_string())
    }

    /// `close()`
    #[napi]
    pub fn close(&mut self) {
        self.environment = None;
    }
}

/// `EndpointOptions`, checked and with its defaults.
#[derive(Debug, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeEndpointOptions", optional_fields = nullable)
)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Options {
    loopback: bool,
    ipv4: bool,
    ipv6: bool,
    only_interfaces: Vec<String>,
    except_interfaces: Vec<String>,
    only_addresses: Vec<IpAddr>,
    except_addresses: Vec<IpAddr>,
    udp: bool,
    tcp: Tcp,
    tls_roots: Option<String>,
    shared_port: Option<u16>,
    port_range: Option<(u16, u16)>,
    external_addresses: Vec<External>,
    hide_host_addresses: bool,
    gather_continually: bool,
    ice_lite: bool,
    ice_renomination: bool,
    max_channels: Option<u16>,
    bitrate_bounds: Option<Rates>,
    congestion_control_feedback: bool,
    socket_buffers: Option<Buffers>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeTcpTypes")
)]
#[serde(rename_all = "camelCase")]
struct Tcp {
    active: bool,
    passive: bool,
    simultaneous_open: bool,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeExternalAddress", optional_fields = nullable)
)]
struct External {
    address: IpAddr,
    local: Option<IpAddr>,
    replaces: bool,
}

/// Bits per second.
#[derive(Debug, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeBitrateBounds", optional_fields = nullable)
)]
struct Rates {
    #[cfg_attr(feature = "typescript", ts(as = "Option<f64>"))]
    min: Option<u64>,
    #[cfg_attr(feature = "typescript", ts(as = "Option<f64>"))]
    start: Option<u64>,
    #[cfg_attr(feature = "typescript", ts(as = "Option<f64>"))]
    max: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeSocketBuffers")
)]
struct Buffers {
    receive: u32,
    send: u32,
}

impl Options {
    fn driver(&self) -> EndpointOptions {
        EndpointOptions {
            interfaces: InterfaceFilter {
                ipv4: self.ipv4,
                ipv6: self.ipv6,
                loopback: self.loopback,
                only: self.only_interfaces.clone(),
                except: self.except_interfaces.clone(),
                only_addresses: self.only_addresses.clone(),
                except_addresses: self.except_addresses.clone(),
            },
            sockets: self
                .socket_buffers
                .as_ref()
                .map_or_else(SocketOptions::default, |buffers| SocketOptions {
                    receive_buffer: buffers.receive as usize,
                    send_buffer: buffers.send as usize,
                }),
            ports: match (self.shared_port, self.port_range) {
                (Some(port), _) => Ports::Shared(port),
                (None, Some((first, last))) => Ports::Range { first, last },
                (None, None) => Ports::Own,
            },
            listen: self.tcp.passive || self.tcp.simultaneous_open,
            tls_roots: self.tls_roots.as_ref().map_or(TlsRoots::Platform, |pem| {
                TlsRoots::Pem(pem.clone().into_bytes())
            }),
            // The files that the environment names are those of the endpoint that nobody makes.
            event_log: None,
            packet_capture: None,
            key_log: None,
        }
    }

    fn capabilities(&self) -> Capabilities {
        let capabilities = Capabilities {
            ice_lite: self.ice_lite,
            ice_renomination: self.ice_renomination,
            ..Capabilities::default()
        };
        match self.congestion_control_feedback {
            true => capabilities.with_congestion_control_feedback(),
            false => capabilities,
        }
    }

    fn configure(&self, session: &mut SessionConfig) {
        if let Some(channels) = self.max_channels {
            session.sctp.streams = channels;
        }
        if let Some(rates) = &self.bitrate_bounds {
            let bounds = &mut session.bitrate_bounds;
            let or = |rate: Option<u64>, default| rate.map_or(default, Bitrate::from_bps);
            bounds.min = or(rates.min, bounds.min);
            bounds.start = or(rates.start, bounds.start);
            bounds.max = or(rates.max, bounds.max);
        }
        let ice = &mut session.ice;
        ice.lite = self.ice_lite;
        ice.renomination = self.ice_renomination;
        ice.hide_host_addresses = self.hide_host_addresses;
        ice.gather_continually = self.gather_continually;
        ice.udp = self.udp;
        ice.tcp = TcpTypes {
            active: self.tcp.active,
            passive: self.tcp.passive,
            simultaneous_open: self.tcp.simultaneous_open,
        };
        let externals = self.external_addresses.iter();
        ice.external_addresses = externals
            .map(|address| ExternalAddress {
                local: address.local,
                external: address.address,
                replaces: address.replaces,
            })
            .collect();
    }
}
