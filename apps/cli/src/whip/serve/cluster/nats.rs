//! What goes over NATS: a record of each relay in a bucket of JetStream, and questions from one to another.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use async_nats::jetstream::kv::{Entry, Operation, Store};
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use async_nats::{ConnectOptions, Event, ServerAddr};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_stream::StreamExt;

use super::members::{Members, Record};
use super::{Cluster, ClusterOptions, lock, node_name};
use crate::Failure;
use crate::whip::limits::{
    BEAT_INTERVAL, NATS_MESSAGES, NATS_PAUSE, NATS_TIMEOUT, NODE_LIFE, QUESTION_TIMEOUT,
    RECORD_BYTES,
};
use crate::whip::serve::session::random;
use crate::whip::serve::stage::Stage;
use duologue::Endpoint;

const BUCKET: &str = "duologue-relay";

impl Cluster {
    /// Begins to look for NATS, which may come later.
    ///
    /// # Errors
    /// Its address is none.
    pub(in crate::whip::serve) async fn join(
        options: &ClusterOptions,
        own: &str,
        certificate: Option<String>,
        token: Option<String>,
    ) -> Result<Arc<Self>, Failure> {
        let members = Arc::new(Mutex::new(Members::default()));
        let heard = members.clone();
        let connect = ConnectOptions::new()
            .name("duologue relay")
            .retry_on_initial_connect()
            .ping_interval(NODE_LIFE)
            .subscription_capacity(NATS_MESSAGES)
            .connection_timeout(NATS_TIMEOUT)
            .reconnect_delay_callback(|_| NATS_PAUSE)
            .event_callback(move |event| {
                match event {
                    Event::Connected => lock(&heard).back(Instant::now()),
                    Event::Disconnected => lock(&heard).cut_off(Instant::now()),
                    _ => {}
                }
                std::future::ready(())
            });
        let addresses: Vec<ServerAddr> = options
            .nats
            .split(',')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|_| "--nats is nats://HOST[:PORT], more of them with a comma between")?;
        let client = connect.connect(addresses).await?;

        let name = match &options.name {
            Some(name) => name.clone(),
            None => random().map_err(|_| "the system has no randomness")?[..8].to_owned(),
        };
        let own = options.url.as_ref().map_or(own, |url| url.as_str());
        let loopback = own.parse().is_ok_and(|url| crate::http::is_loopback(&url));
        Ok(Arc::new(Cluster {
            name,
            url: own.to_owned(),
            certificate,
            token,
            members,
            client,
            endpoint: Endpoint::builder().loopback(loopback).build()?,
            pulls: Mutex::default(),
            changed: Notify::new(),
        }))
    }

    /// Tells, hears and answers, until it is dropped.
    pub(in crate::whip::serve) async fn run(&self, stage: &Stage) {
        tokio::join!(self.tell(stage), self.hear(), self.answer(stage));
    }

    /// Takes its leave: the others need not wait for it any more.
    pub(in crate::whip::serve) async fn leave(&self) {
        let leaving = async {
            let store = self.store().await?;
            store.purge(&self.name).await?;
            self.client.flush().await?;
            Ok::<(), Failure>(())
        };
        // They find out by themselves otherwise.
        let _ = timeout(NATS_TIMEOUT, leaving).await;
    }

    /// Whether a stream has its publisher at another relay. All are asked at once that told so; one that does not
    /// answer has it no more.
    pub(in crate::whip::serve) async fn is_elsewhere(&self, stream: &str) -> bool {
        let mut questions = JoinSet::new();
        for (name, _) in self.members().holders(Instant::now(), stream) {
            let (client, of) = (self.client.clone(), stream.to_owned());
            let to = subject(name);
            let question = async move { client.request(to, of.into()).await };
            questions.spawn(timeout(QUESTION_TIMEOUT, question));
        }
        while let Some(asked) = questions.join_next().await {
            if let Ok(Ok(Ok(answer))) = asked
                && answer.payload == YES
            {
                return true;
            }
        }
        false
    }

    async fn store(&self) -> Result<Store, Failure> {
        // A bucket is a stream of such names (ADR-8 of NATS). The client's own way of making one asks first for
        // what servers before 2.11 do not tell.
        let config = Config {
            name: format!("KV_{BUCKET}"),
            subjects: vec![format!("$KV.{BUCKET}.>")],
            description: Some("relays of duologue and their publishers".to_owned()),
            max_messages_per_subject: 1,
            max_age: 2 * NODE_LIFE,
            max_message_size: RECORD_BYTES,
            duplicate_window: NODE_LIFE,
            // Each relay tells its own again after NATS has forgotten it.
            storage: StorageType::Memory,
            discard: DiscardPolicy::New,
            allow_rollup: true,
            deny_delete: true,
            allow_direct: true,
            num_replicas: 1,
            ..Config::default()
        };
        let context = async_nats::jetstream::new(self.client.clone());
        context.get_or_create_stream(config).await?;
        Ok(context.get_key_value(BUCKET).await?)
    }

    /// The record of this relay, once a second and when it changes.
    async fn tell(&self, stage: &Stage) {
        let mut store = None;
        loop {
            let telling = async {
                let store = match &store {
                    Some(store) => store,
                    None => store.insert(self.store().await?),
                };
                let record = Record {
                    url: self.url.clone(),
                    certificate: self.certificate.clone(),
                    streams: stage.published(),
                };
                store
                    .put(&self.name, serde_json::to_vec(&record)?.into())
                    .await?;
                Ok::<(), Failure>(())
            };
            let told = timeout(NATS_TIMEOUT, telling).await;
            if !matches!(told, Ok(Ok(()))) {
                // NATS may have begun anew, without the bucket.
                store = None;
                sleep(NATS_PAUSE).await;
                continue;
            }
            let _ = timeout(BEAT_INTERVAL, self.changed.notified()).await;
        }
    }

    /// The records of the others. Since the own one comes back once a second, silence says that it is not heard.
    async fn hear(&self) {
        loop {
            let hearing = async {
                let store = self.store().await?;
                let mut entries = store.watch_with_history(">").await?;
                while let Some(entry) = timeout(NODE_LIFE, entries.next()).await? {
                    self.heard(entry?);
                }
                Ok::<(), Failure>(())
            };
            // An error is one of the network, which is asked again.
            let _ = hearing.await;
            sleep(NATS_PAUSE).await;
        }
    }

    fn heard(&self, entry: Entry) {
        if entry.key == self.name || node_name(&entry.key).is_err() {
            return;
        }
        match entry.operation {
            Operation::Put => {
                if let Some(record) = Record::read(&entry.value) {
                    self.members().handle(Instant::now(), entry.key, record);
                }
            }
            Operation::Delete | Operation::Purge => self.members().remove(&entry.key),
        }
    }

    /// Whether it has a stream's publisher, to whoever asks.
    async fn answer(&self, stage: &Stage) {
        loop {
            if let Ok(mut questions) = self.client.subscribe(subject(&self.name)).await {
                while let Some(question) = questions.next().await {
                    let stream = std::str::from_utf8(&question.payload).unwrap_or_default();
                    let answer = match stage.is_published(stream) {
                        true => YES,
                        false => NO,
                    };
                    if let Some(to) = question.reply {
                        // Who asked finds out by time.
                        let _ = self.client.publish(to, answer.into()).await;
                    }
                }
            }
            sleep(NATS_PAUSE).await;
        }
    }
}

const YES: &str = "yes";
const NO: &str = "no";

fn subject(relay: &str) -> String {
    format!("{BUCKET}.{relay}.publishes")
}
