//! What `RTCIceTransport` and `RTCDtlsTransport` tell when they are asked.

use duologue_base::TransportKey;
use duologue_peer as peer;
use napi::Env;
use napi::bindgen_prelude::{ArrayBuffer, Object, Result, Unknown};
use napi_derive::napi;

use crate::connection::NativePeerConnection;
use crate::effect::{CandidateView, PairView};

fn candidates(list: &[peer::IceCandidate]) -> Vec<CandidateView> {
    list.iter().cloned().map(CandidateView::from).collect()
}

#[napi]
impl NativePeerConnection {
    fn ice(&self, key: u32) -> Option<&peer::IceTransport> {
        self.pc.ice_transport(TransportKey(key))
    }

    /// `iceTransport.getLocalCandidates()`
    #[napi]
    pub fn local_candidates<'env>(&self, env: &'env Env, key: u32) -> Result<Unknown<'env>> {
        let ice = self.ice(key);
        env.to_js_value(&ice.map_or_else(Vec::new, |ice| candidates(ice.local_candidates())))
    }

    /// `iceTransport.getRemoteCandidates()`
    #[napi]
    pub fn remote_candidates<'env>(&self, env: &'env Env, key: u32) -> Result<Unknown<'env>> {
        let ice = self.ice(key);
        env.to_js_value(&ice.map_or_else(Vec::new, |ice| candidates(ice.remote_candidates())))
    }

    /// `iceTransport.getSelectedCandidatePair()`
    #[napi]
    pub fn selected_candidate_pair<'env>(&self, env: &'env Env, key: u32) -> Result<Unknown<'env>> {
        let pair = self
            .ice(key)
            .and_then(peer::IceTransport::selected_candidate_pair);
        env.to_js_value(&pair.cloned().map(PairView::from))
    }

    /// Somebody listens to the events of candidate pairs.
    #[napi]
    pub fn control_candidate_pairs<'env>(&mut self, env: &'env Env) -> Result<Object<'env>> {
        self.pc.control_candidate_pairs();
        self.reply(env, Ok(()))
    }

    /// A cancelable event of a candidate pair was dispatched.
    #[napi]
    pub fn answer_candidate_pair<'env>(
        &mut self,
        env: &'env Env,
        key: u32,
        pair: u32,
        accepted: bool,
    ) -> Result<Object<'env>> {
        let pair = peer::IceCandidatePairId(pair);
        self.pc
            .answer_candidate_pair(TransportKey(key), pair, accepted);
        self.reply(env, Ok(()))
    }

    /// `iceTransport.selectCandidatePair()`
    #[napi]
    pub fn select_candidate_pair<'env>(
        &mut self,
        env: &'env Env,
        key: u32,
        pair: u32,
    ) -> Result<Object<'env>> {
        let pair = peer::IceCandidatePairId(pair);
        let operation = self.pc.select_candidate_pair(TransportKey(key), pair);
        self.operation(env, operation)
    }

    /// `iceTransport.removeCandidatePair()`
    #[napi]
    pub fn remove_candidate_pair<'env>(
        &mut self,
        env: &'env Env,
        key: u32,
        pair: u32,
    ) -> Result<Object<'env>> {
        let pair = peer::IceCandidatePairId(pair);
        let operation = self.pc.remove_candidate_pair(TransportKey(key), pair);
        self.operation(env, operation)
    }

    /// `iceTransport.failure`
    #[napi]
    pub fn ice_failure(&self, key: u32) -> Option<String> {
        let failure = self.ice(key).and_then(peer::IceTransport::failure);
        failure.map(|failure| failure.to_string())
    }

    /// `dtlsTransport.silent`
    #[napi]
    pub fn is_dtls_silent(&self, key: u32) -> bool {
        let dtls = self.pc.dtls_transport(TransportKey(key));
        dtls.is_some_and(peer::DtlsTransport::is_silent)
    }

    /// `iceTransport.getLocalParameters()`
    #[napi]
    pub fn local_ice_parameters<'env>(&self, env: &'env Env, key: u32) -> Result<Unknown<'env>> {
        env.to_js_value(&self.ice(key).and_then(peer::IceTransport::local_parameters))
    }

    /// `iceTransport.getRemoteParameters()`
    #[napi]
    pub fn remote_ice_parameters<'env>(&self, env: &'env Env, key: u32) -> Result<Unknown<'env>> {
        env.to_js_value(
            &self
                .ice(key)
                .and_then(peer::IceTransport::remote_parameters),
        )
    }

    /// `dtlsTransport.getRemoteCertificates()`
    #[napi]
    pub fn remote_certificates<'env>(
        &self,
        env: &'env Env,
        key: u32,
    ) -> Result<Vec<ArrayBuffer<'env>>> {
        let dtls = self.pc.dtls_transport(TransportKey(key));
        let certificates = dtls.map_or(&[][..], peer::DtlsTransport::remote_certificates);
        certificates
            .iter()
            .map(|der| ArrayBuffer::copy_from(env, der.clone()))
            .collect()
    }
}
