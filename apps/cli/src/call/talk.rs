//! What is typed goes to the other side, what it says is printed.

use duologue::{DataChannel, Message};

use super::story::Story;
use super::terminal::Lines;
use crate::Failure;

/// Until the other side hangs up, or who types does (Ctrl-D). The end of a file or a pipe only
/// means that nothing more is said.
pub(super) async fn run(
    chat: &DataChannel,
    lines: &mut Lines,
    story: &Story,
) -> Result<(), Failure> {
    let mut speaking = true;
    loop {
        tokio::select! {
            line = lines.next(), if speaking => match line {
                // The end of a line that was pasted, and pressed Enter after.
                Some(line) if line.is_empty() && lines.typed => {}
                Some(line) => chat.send_text(line).await?,
                None if lines.typed => break,
                None => speaking = false,
            },
            message = chat.recv() => match message {
                Some(Message::Text(text)) => story.said(&text),
                Some(Message::Binary(_)) => {}
                None => return Ok(()),
            },
        }
    }
    hang_up(chat).await;
    Ok(())
}

/// What was said last arrives before the end.
pub(super) async fn hang_up(chat: &DataChannel) {
    chat.close();
    let _ = tokio::time::timeout(super::CLOSE_TIMEOUT, chat.closed()).await;
}
