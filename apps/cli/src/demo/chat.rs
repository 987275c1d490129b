//! The chat channel: whoever writes gets an answer.

use std::time::Instant;

use duologue::{DataChannel, Exception, Message};

const HELP: &str = "/help    this list\n/uptime  how long we have been talking\n/count   \
what I heard so far\n/shout   … the rest in capitals\nanything else comes back with a remark";

pub(super) async fn serve(channel: &DataChannel) -> Result<(), Exception> {
    let began = Instant::now();
    let (mut messages, mut characters) = (0u64, 0usize);
    channel.opened().await?;
    channel
        .send_text("Hello from Rust. Say something, or /help.")
        .await?;
    while let Some(message) = channel.recv().await {
        let Message::Text(text) = message else {
            continue;
        };
        messages += 1;
        characters += text.chars().count();
        let answer = match text.split_once(' ').unwrap_or((&text, "")) {
            ("/help", _) => HELP.to_owned(),
            ("/uptime", _) => format!("{:.1} seconds", began.elapsed().as_secs_f64()),
            ("/count", _) => format!("{messages} messages, {characters} characters"),
            ("/shout", rest) => rest.to_uppercase(),
            _ => remark(&text),
        };
        channel.send_text(answer).await?;
    }
    Ok(())
}

fn remark(text: &str) -> String {
    let words = text.split_whitespace().count();
    let backwards: String = text.chars().rev().collect();
    let s = if words == 1 { "" } else { "s" };
    format!("{words} word{s}; backwards: {backwards}")
}

#[cfg(test)]
mod tests {
    use super::remark;

    #[test]
    fn a_remark_counts_the_words_and_turns_the_text_around() {
        assert_eq!(remark("hello"), "1 word; backwards: olleh");
        assert_eq!(remark("grüß dich"), "2 words; backwards: hcid ßürg");
    }
}
