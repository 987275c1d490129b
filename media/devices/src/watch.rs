//! Looks now and then whether there are other devices, where the system does not tell.

use std::sync::Arc;
use std::thread;

use crate::{Changed, limits};

/// Calls `changed` whenever `look` gives something else, as long as `of` is there.
pub(crate) fn watch<T, L>(of: &Arc<T>, look: fn(&T) -> L, changed: Changed)
where
    T: Send + Sync + 'static,
    L: PartialEq + Send + 'static,
{
    let mut known = look(of);
    let of = Arc::downgrade(of);
    let run = move || {
        loop {
            thread::sleep(limits::LOOK);
            let Some(of) = of.upgrade() else {
                return;
            };
            let now = look(&of);
            if now != known {
                known = now;
                changed.call();
            }
        }
    };
    let thread = thread::Builder::new().name("duologue-devices".to_owned());
    // Without a thread nobody is told; what there is can still be asked for.
    let _ = thread.spawn(run);
}
