/**
 * Statistics that the slots tell (webrtc-stats §8): connection, transports, candidates, certificates
 * and data channels. What counts packets and frames comes from the layers that see them.
 */
import { createHash } from 'node:crypto';
import type { NativeCandidate, NativePeerConnection } from '../native.js';
import type { RTCDataChannelState, RTCDtlsTransportState, RTCIceRole, RTCIceTransportState } from './types.js';
import type { RTCStats } from './stats-report.js';

export interface TransportSource {
  readonly key: number;
  readonly dtlsState: RTCDtlsTransportState;
  readonly iceState: RTCIceTransportState;
  readonly iceRole: RTCIceRole;
}

export interface ChannelSource {
  readonly key: number;
  readonly label: string;
  readonly protocol: string;
  readonly id: number | null;
  readonly state: RTCDataChannelState;
  readonly sent: Traffic;
  readonly received: Traffic;
}

/** Messages of a data channel in one direction. */
export interface Traffic {
  messages: number;
  bytes: number;
}

type Members = Record<string, unknown>;

/** Members without a value are absent, not null. */
function stats(id: string, type: string, timestamp: number, members: Members): RTCStats {
  const present = Object.entries(members).filter(([, value]) => value !== null && value !== undefined);
  return { id, timestamp, type, ...Object.fromEntries(present) };
}

export class StatsCollector {
  readonly #entries = new Map<string, RTCStats>();

  constructor(
    readonly native: NativePeerConnection,
    readonly timestamp: number,
  ) {}

  get entries(): Iterable<RTCStats> {
    return this.#entries.values();
  }

  connection(channels: readonly ChannelSource[]): void {
    this.#add('P', 'peer-connection', {
      dataChannelsOpened: channels.filter(({ state }) => state !== 'connecting').length,
      dataChannelsClosed: channels.filter(({ state }) => state === 'closed').length,
    });
  }

  channel({ key, label, protocol, id, state, sent, received }: ChannelSource): void {
    this.#add(`D${key}`, 'data-channel', {
      label,
      protocol,
      dataChannelIdentifier: id,
      state,
      messagesSent: sent.messages,
      bytesSent: sent.bytes,
      messagesReceived: received.messages,
      bytesReceived: received.bytes,
    });
  }

  transport({ key, dtlsState, iceState, iceRole }: TransportSource): void {
    const transportId = `T${key}`;
    const local = this.#candidates('local', transportId, this.native.localCandidates(key));
    const remote = this.#candidates('remote', transportId, this.native.remoteCandidates(key));
    const pair = this.native.selectedCandidatePair(key);
    const pairId = pair && `${transportId}-pair`;
    if (pair) {
      this.#add(`${transportId}-pair`, 'candidate-pair', {
        transportId,
        localCandidateId: local(pair.local),
        remoteCandidateId: remote(pair.remote),
        state: 'succeeded',
        nominated: true,
      });
    }
    const [remoteCertificateId] = this.native.remoteCertificates(key).map((der) => this.#certificate(der));
    const parameters = this.native.localIceParameters(key) as { usernameFragment?: string } | null;
    this.#add(transportId, 'transport', {
      dtlsState,
      iceState,
      iceRole,
      iceLocalUsernameFragment: parameters?.usernameFragment,
      selectedCandidatePairId: pairId,
      remoteCertificateId,
    });
  }

  /** Gives the ids of these candidates, and of others of the same end. */
  #candidates(
    end: 'local' | 'remote',
    transportId: string,
    known: readonly NativeCandidate[],
  ): (candidate: NativeCandidate) => string {
    const list: NativeCandidate[] = [];
    const idOf = (candidate: NativeCandidate): string => {
      const found = list.findIndex((c) => c.init.candidate === candidate.init.candidate);
      if (found >= 0) return `${transportId}-${end}-${found}`;
      const id = `${transportId}-${end}-${list.push(candidate) - 1}`;
      this.#candidate(id, `${end}-candidate`, transportId, candidate);
      return id;
    };
    // "" ends a generation.
    for (const candidate of known) if (candidate.init.candidate !== '') idOf(candidate);
    return idOf;
  }

  #candidate(id: string, type: string, transportId: string, { init, parts, url, relayProtocol }: NativeCandidate): void {
    this.#add(id, type, {
      transportId,
      address: parts?.address,
      port: parts?.port,
      protocol: parts?.protocol,
      candidateType: parts?.type,
      priority: parts?.priority,
      foundation: parts?.foundation,
      relatedAddress: parts?.relatedAddress,
      relatedPort: parts?.relatedPort,
      tcpType: parts?.tcpType,
      usernameFragment: init.usernameFragment,
      url,
      relayProtocol,
    });
  }

  #certificate(der: ArrayBuffer): string {
    const bytes = Buffer.from(der);
    const digest = createHash('sha256').update(bytes).digest('hex').toUpperCase();
    const fingerprint = digest.replace(/..(?!$)/g, '$&:');
    const id = `C${digest}`;
    this.#add(id, 'certificate', {
      fingerprint,
      fingerprintAlgorithm: 'sha-256',
      base64Certificate: bytes.toString('base64'),
    });
    return id;
  }

  #add(id: string, type: string, members: Members): void {
    this.#entries.set(id, stats(id, type, this.timestamp, members));
  }
}
