use std::collections::{BTreeMap, BTreeSet};

use duologue_base::{DtlsRole, Generation, IceCredentials, IceRole, TransportKey};
use duologue_identity::Fingerprint;

use crate::Signaling;
use crate::agreement::{IceKey, SctpAgreement, SctpInits, TransportAgreement};

/// A change of what transports the data plane must run; the peer makes a session command of each.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TransportChange {
    /// A transport is needed. Gathering starts.
    Add {
        /// The transport and its first generation.
        key: IceKey,
        /// This end's credentials.
        local: IceCredentials,
        /// This end's role.
        role: IceRole,
    },
    /// Another generation joins the one in use; the old one runs on until it is dropped.
    RestartIce {
        /// The transport and its new generation.
        key: IceKey,
        /// This end's new credentials.
        local: IceCredentials,
    },
    /// A generation is over: an ICE restart was committed, or one was rolled back. When it is
    /// older than one that lives on, the pair it uses stays in use until the newer one has a pair
    /// (RFC 8445 §9).
    DropGeneration {
        /// The transport and the generation to forget.
        key: IceKey,
    },
    /// The other end's credentials are known, or are others than before: checks may start, with
    /// the remote candidates known for the generation and those still to come.
    SetRemoteIce {
        /// The transport and the generation they belong to.
        key: IceKey,
        /// The other end's credentials.
        remote: IceCredentials,
        /// The other end is a lite implementation.
        lite: bool,
        /// The least time between two checks that the other end asks for, in milliseconds.
        pacing: Option<u32>,
        /// The other end follows renominations.
        renomination: bool,
        /// The other end's checks carry the DTLS handshake.
        sped: bool,
    },
    /// The DTLS handshake may start.
    StartDtls {
        /// The transport.
        transport: TransportKey,
        /// This end's role.
        role: DtlsRole,
        /// What the other end's certificate must hash to.
        fingerprints: Vec<Fingerprint>,
    },
    /// The other end's certificate or role is another one: a new DTLS association takes the old
    /// one's place (RFC 8842 §5).
    RestartDtls {
        /// The transport.
        transport: TransportKey,
        /// This end's role.
        role: DtlsRole,
        /// What the other end's certificate must hash to.
        fingerprints: Vec<Fingerprint>,
    },
    /// The transport goes: no m-section uses it any more.
    Remove {
        /// The transport.
        transport: TransportKey,
    },
    /// What becomes of the SCTP association.
    Sctp(SctpChange),
}

/// A change of the association of the data channels.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SctpChange {
    /// The association may start on this transport.
    Start {
        /// The transport.
        transport: TransportKey,
        /// This end's SCTP port.
        local_port: u16,
        /// The other end's SCTP port.
        remote_port: u16,
        /// The largest message that the other end takes: `None` for any size.
        max_message_size: Option<u64>,
        /// Another m-section stands for the transport: see
        /// [`TransportAgreement::mid`](crate::agreement::TransportAgreement::mid).
        may_move: bool,
        /// The descriptions set it up.
        inits: Option<SctpInits>,
    },
    /// The association goes on over another transport: its m-section was bundled with others, or the one that
    /// stood for its transport was stopped.
    Move {
        /// The transport.
        transport: TransportKey,
        /// Whether the association may go on over another transport again.
        may_move: bool,
    },
    /// The other end takes messages of another size now.
    SetMaxMessageSize {
        /// The largest message that the other end takes: `None` for any size.
        max_message_size: Option<u64>,
    },
    /// The data m-section was rejected: the association ends (RFC 8841 §10.4).
    Stop,
}

/// What the data plane has to change for the step from one signaling state to another. While an
/// exchange is open, the transports of both the stable and the proposed state run; its end drops
/// those that lost.
pub fn diff(from: &Signaling, to: &Signaling) -> Vec<TransportChange> {
    let (before, after) = (Running::of(from), Running::of(to));
    let mut changes = Vec::new();
    for (&key, now) in &after.transports {
        added(key, before.transports.get(&key), now, &mut changes);
    }
    for (&key, now) in &after.transports {
        remote_ice(key, before.transports.get(&key), now, &mut changes);
        dtls(key, before.transports.get(&key), now, &mut changes);
    }
    let mut association = Vec::new();
    sctp(before.sctp.as_ref(), after.sctp.as_ref(), &mut association);
    changes.extend(association.into_iter().map(TransportChange::Sctp));
    for (&transport, then) in &before.transports {
        let Some(now) = after.transports.get(&transport) else {
            changes.push(TransportChange::Remove { transport });
            continue;
        };
        for &generation in then
            .keys()
            .filter(|generation| !now.contains_key(generation))
        {
            let key = IceKey {
                transport,
                generation,
            };
            changes.push(TransportChange::DropGeneration { key });
        }
    }
    changes
}

/// The generations of a transport that run, each as the latest agreement has it.
type Generations<'a> = BTreeMap<Generation, &'a TransportAgreement>;

/// What the data plane runs in a signaling state.
struct Running<'a> {
    transports: BTreeMap<TransportKey, Generations<'a>>,
    sctp: Option<Association<'a>>,
}

/// The SCTP association that runs.
struct Association<'a> {
    transport: TransportKey,
    may_move: bool,
    sctp: &'a SctpAgreement,
}

impl<'a> Running<'a> {
    fn of(signaling: &'a Signaling) -> Self {
        let mut transports: BTreeMap<TransportKey, Generations<'a>> = BTreeMap::new();
        for (key, transport) in signaling.agreements().flat_map(|a| &a.transports) {
            // A transport starts with this end's credentials.
            if transport.local_ice.is_some() {
                let generations = transports.entry(*key).or_default();
                generations.insert(transport.generation, transport);
            }
        }
        let data = signaling.effective().data();
        let sctp = data.and_then(|media| {
            let established = media.sctp.as_ref().filter(|sctp| sctp.established);
            Some(Association {
                transport: media.transport?,
                may_move: !signaling.effective().stands_for_transport(media),
                sctp: established?,
            })
        });
        Running { transports, sctp }
    }
}

fn added(
    transport: TransportKey,
    before: Option<&Generations<'_>>,
    now: &Generations<'_>,
    changes: &mut Vec<TransportChange>,
) {
    let known: BTreeSet<Generation> = before.into_iter().flat_map(|b| b.keys().copied()).collect();
    let new = now
        .iter()
        .filter(|(generation, _)| !known.contains(generation));
    for (index, (&generation, agreement)) in new.enumerate() {
        let Some(local) = agreement.local_ice.clone() else {
            continue;
        };
        let key = IceKey {
            transport,
            generation,
        };
        changes.push(match before.is_none() && index == 0 {
            true => TransportChange::Add {
                key,
                local,
                role: agreement.ice_role,
            },
            false => TransportChange::RestartIce { key, local },
        });
    }
}

fn remote_ice(
    transport: TransportKey,
    before: Option<&Generations<'_>>,
    now: &Generations<'_>,
    changes: &mut Vec<TransportChange>,
) {
    for (&generation, agreement) in now {
        let known = before.and_then(|b| b.get(&generation)?.remote_ice.as_ref());
        let Some(remote) = &agreement.remote_ice else {
            continue;
        };
        if known.is_some_and(|k| k.credentials == remote.credentials && k.lite == remote.lite) {
            continue;
        }
        changes.push(TransportChange::SetRemoteIce {
            key: IceKey {
                transport,
                generation,
            },
            remote: remote.credentials.clone(),
            lite: remote.lite,
            pacing: remote.pacing,
            renomination: remote.renomination,
            sped: remote.sped,
        });
    }
}

fn dtls(
    transport: TransportKey,
    before: Option<&Generations<'_>>,
    now: &Generations<'_>,
    changes: &mut Vec<TransportChange>,
) {
    // The newest generation is the one that the latest description is about.
    let latest = |generations: &Generations<'_>| generations.values().next_back()?.dtls.clone();
    let known = before.and_then(latest);
    let Some(dtls) = latest(now).filter(|dtls| known.as_ref() != Some(dtls)) else {
        return;
    };
    let (role, fingerprints) = (dtls.role, dtls.fingerprints);
    changes.push(match known {
        None => TransportChange::StartDtls {
            transport,
            role,
            fingerprints,
        },
        Some(_) => TransportChange::RestartDtls {
            transport,
            role,
            fingerprints,
        },
    });
}

fn sctp(
    before: Option<&Association<'_>>,
    now: Option<&Association<'_>>,
    changes: &mut Vec<SctpChange>,
) {
    let same = |x: &SctpAgreement, y: &SctpAgreement| {
        x.local_port == y.local_port && x.remote_port == y.remote_port
    };
    match (before, now) {
        (None, None) => {}
        (Some(then), Some(now)) if same(then.sctp, now.sctp) => {
            if then.transport != now.transport {
                changes.push(SctpChange::Move {
                    transport: now.transport,
                    may_move: now.may_move,
                });
            }
            let max_message_size = now.sctp.remote_max_message_size;
            if then.sctp.remote_max_message_size != max_message_size {
                changes.push(SctpChange::SetMaxMessageSize { max_message_size });
            }
        }
        (then, now) => {
            // RFC 9429 §5.11: another remote port discards the association.
            changes.extend(then.map(|_| SctpChange::Stop));
            changes.extend(now.map(|now| SctpChange::Start {
                transport: now.transport,
                local_port: now.sctp.local_port,
                remote_port: now.sctp.remote_port.unwrap_or(now.sctp.local_port),
                max_message_size: now.sctp.remote_max_message_size,
                may_move: now.may_move,
                inits: now.sctp.inits.clone(),
            }));
        }
    }
}
