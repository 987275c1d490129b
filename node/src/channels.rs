//! What `RTCDataChannel` asks for.

use bytes::Bytes;
use duologue_base::ChannelKey;
use duologue_peer as peer;
use napi::bindgen_prelude::{Object, Result, Uint8ArraySlice, Unknown};
use napi::{Env, JsValue};
use napi_derive::napi;

use crate::connection::NativePeerConnection;
use crate::exception;

#[napi]
impl NativePeerConnection {
    /// `createDataChannel()`
    #[napi]
    pub fn create_data_channel<'env>(
        &mut self,
        env: &'env Env,
        label: String,
        init: Unknown<'_>,
    ) -> Result<Object<'env>> {
        let init = env.from_js_value(init)?;
        let channel = self.pc.create_data_channel(label, init);
        if let Ok(key) = channel {
            self.mirror.add_channel(key);
        }
        self.reply(env, channel.map(|ChannelKey(key)| key))
    }

    /// `send()` of a text: the new `bufferedAmount`, or an exception.
    #[napi(ts_return_type = "number | object")]
    pub fn send_text<'env>(
        &mut self,
        env: &'env Env,
        channel: u32,
        data: String,
    ) -> Result<Unknown<'env>> {
        let data = Bytes::from(data);
        self.send(
            env,
            channel,
            peer::Message {
                data,
                binary: false,
            },
        )
    }

    /// `send()` of bytes.
    #[napi(ts_return_type = "number | object")]
    pub fn send_binary<'env>(
        &mut self,
        env: &'env Env,
        channel: u32,
        data: Uint8ArraySlice<'_>,
    ) -> Result<Unknown<'env>> {
        let data = Bytes::copy_from_slice(&data);
        self.send(env, channel, peer::Message { data, binary: true })
    }

    fn send<'env>(
        &mut self,
        env: &'env Env,
        channel: u32,
        message: peer::Message,
    ) -> Result<Unknown<'env>> {
        let key = ChannelKey(channel);
        if let Err(exception) = self.pc.send(key, message) {
            return env.to_js_value(&exception::Exception::from(&exception));
        }
        self.flush()?;
        let amount = self.pc.data_channel(key).map_or(0, |c| c.buffered_amount()) as f64;
        self.mirror.set_buffered_amount(key, amount);
        Ok(env.create_double(amount)?.to_unknown())
    }

    /// `close()` of a channel.
    #[napi]
    pub fn close_channel<'env>(&mut self, env: &'env Env, channel: u32) -> Result<Object<'env>> {
        self.pc.close_channel(ChannelKey(channel));
        self.reply(env, Ok(()))
    }

    /// What waits to be sent counts, in bytes.
    #[napi]
    pub fn send_queue_cost(&self, channel: u32) -> f64 {
        let channel = self.pc.data_channel(ChannelKey(channel));
        channel.map_or(0, |c| c.send_queue_cost()) as f64
    }

    /// `bufferedAmountLowThreshold = …`
    #[napi]
    pub fn set_buffered_amount_low_threshold(&mut self, channel: u32, bytes: f64) {
        let key = ChannelKey(channel);
        self.pc.set_buffered_amount_low_threshold(key, bytes as u64);
    }
}
