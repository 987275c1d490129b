//! `getStats` (webrtc-stats §8, webrtc-pc §8.4).

use duologue_base::WallClock;
use duologue_session as session;
use duologue_session::Command;

use crate::stats::StatsReport;
use crate::{OperationId, PeerConnection, Value};

impl PeerConnection {
    /// `getStats()` without a selector: resolves to [`Value::Stats`]. `at` is the time that the
    /// statistics carry. A closed connection has none left.
    pub fn get_stats(&mut self, at: WallClock) -> OperationId {
        let operation = self.new_operation();
        if self.slots.closed {
            self.settle_now(operation, Ok(Value::Stats(StatsReport::default())));
            return operation;
        }
        self.stats_requests.push_back((operation, at));
        self.command(Command::GetStats {
            request: operation.as_u64(),
        });
        operation
    }

    /// The session answers in the order in which it was asked.
    pub(crate) fn run_stats(&mut self, request: u64, stats: &session::Stats) {
        while let Some((operation, at)) = self.stats_requests.pop_front() {
            if operation.as_u64() == request {
                let report = StatsReport::of(at, stats, &self.slots);
                self.settle(operation, Ok(Value::Stats(report)));
                return;
            }
        }
    }
}
