//! What others say, as it may stand in a terminal.

/// One line of it: without what moves a cursor, sets a title, fills a clipboard or begins another line.
pub(crate) fn line(text: &str) -> String {
    let apart = |c| if matches!(c, '\t' | '\n') { ' ' } else { c };
    text.chars()
        .map(apart)
        .filter(|c| !c.is_control())
        .collect()
}

/// Each line of it with a mark, so that none passes for somebody else's.
pub(crate) fn marked(mark: &str, text: &str) -> String {
    let lines = text.split('\n').map(|part| format!("{mark}{}", line(part)));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_other_side_says_moves_no_cursor() {
        for (said, shown) in [
            ("grüß dich", "> grüß dich"),
            ("", "> "),
            // A clipboard, a title, a screen that is cleared, each of them in one character, too.
            ("a\x1b]52;c;aGk=\x07b", "> a]52;c;aGk=b"),
            ("\x1b]0;root\x1b\\\u{9d}0;x\u{9c}", "> ]0;root\\0;x"),
            ("\x1b[2J\u{9b}2Jc\x7f", "> [2J2Jc"),
            // Lines of nobody's.
            (
                "a\r   1.000  connection  closed",
                "> a   1.000  connection  closed",
            ),
            ("a\r\n$ b\nc", "> a\n> $ b\n> c"),
            ("a\tb\x0bc\x08", "> a bc"),
        ] {
            assert_eq!(marked("> ", said), shown, "{said:?}");
        }
        assert_eq!(line("an error:\r\nits cause\n"), "an error: its cause ");
    }
}
