/// The beginning of a text that has at most so many bytes, and ends where a character does.
///
/// ```
/// assert_eq!(duologue_base::cut("héron", 2), "h");
/// assert_eq!(duologue_base::cut("héron", 3), "hé");
/// assert_eq!(duologue_base::cut("héron", 100), "héron");
/// ```
pub fn cut(text: &str, most: usize) -> &str {
    let most = most.min(text.len());
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}
