//! Names of files, as the other end gives them: what is left of them names a file in a folder and nothing else.

use super::hash::Sha256;
use super::limits::NAME_BYTES;

/// The last part of a name, without what leads out of a folder, hides a file, or means something to a terminal or a
/// file system. None: nothing is left.
pub(super) fn tame(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let tamed: String = last
        .chars()
        .filter(|&c| !c.is_control() && !is_invisible(c))
        .map(|c| match c {
            // What Windows keeps for itself.
            '<' | '>' | ':' | '"' | '|' | '?' | '*' => '_',
            c => c,
        })
        .collect();
    let tamed = tamed.trim().trim_end_matches(['.', ' ']);
    let tamed = shorten(tamed, NAME_BYTES);
    match tamed.chars().next()? {
        // A file that is not seen is not a file that was asked for: a profile of a shell, for example.
        '.' => Some(format!("_{}", &tamed[1..])),
        _ if is_device(&tamed) => Some(format!("_{tamed}")),
        _ => Some(tamed),
    }
}

/// A file of which a part is here: as the file, and with its hash, since another file of this name is another one.
pub(super) fn part(name: &str, sha256: Sha256) -> String {
    let hash = sha256.to_string();
    format!(".{name}.{}.part", &hash[..16])
}

/// The same name with a number, before what it ends in.
pub(super) fn numbered(name: &str, number: usize) -> String {
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => format!("{stem} ({number}).{ending}"),
        _ => format!("{name} ({number})"),
    }
}

/// Marks that turn the direction of text round, so that `exe.txt` reads as something else, and others without a
/// shape of their own (Unicode's Default_Ignorable_Code_Point, in part).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Names that open a device of Windows, whatever they end in.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let stem = stem.to_ascii_uppercase();
    let numbered = |kind: &str| {
        let number = stem.strip_prefix(kind);
        number.is_some_and(|n| n.chars().count() == 1 && n.chars().all(|c| c.is_ascii_digit()))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

/// At most so many bytes, with what the name ends in.
fn shorten(name: &str, most: usize) -> String {
    if name.len() <= most {
        return name.to_owned();
    }
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if ending.len() < 16 => (stem, format!(".{ending}")),
        _ => (name, String::new()),
    };
    let end = stem.floor_char_boundary(most - ending.len());
    format!("{}{ending}", &stem[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_other_end_names_a_file_of_the_folder_and_nothing_else() {
        for (name, tamed) in [
            ("holiday.jpg", "holiday.jpg"),
            ("Grüße, 世界 🎂.txt", "Grüße, 世界 🎂.txt"),
            ("/etc/passwd", "passwd"),
            ("../../.ssh/authorized_keys", "authorized_keys"),
            ("..\\..\\windows\\system32\\x.dll", "x.dll"),
            ("C:evil.exe", "C_evil.exe"),
            (".bashrc", "_bashrc"),
            ("..", ""),
            ("...x", "_..x"),
            ("a/", ""),
            ("", ""),
            (" . ", ""),
            ("name.", "name"),
            ("a\0b\nc\x1b[31md", "abc[31md"),
            ("invoice\u{202e}txt.exe", "invoicetxt.exe"),
            ("nul", "_nul"),
            ("COM1.txt", "_COM1.txt"),
            ("community", "community"),
            ("-rf", "-rf"),
        ] {
            let expected = (!tamed.is_empty()).then(|| tamed.to_owned());
            assert_eq!(tame(name), expected, "{name:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_what_it_ends_in_and_is_cut_between_characters() {
        let name = tame(&format!("{}.tar", "ü".repeat(300))).unwrap();
        assert!(
            name.len() <= NAME_BYTES && name.ends_with("ü.tar"),
            "{name}"
        );
        let name = tame(&"x".repeat(10_000)).unwrap();
        assert_eq!(name.len(), NAME_BYTES);
        let part = part(&name, "0".repeat(64).parse().unwrap());
        assert!(numbered(&part, super::super::limits::NAMES).len() <= 255);
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number_before_its_ending() {
        assert_eq!(numbered("a.tar.gz", 1), "a.tar (1).gz");
        assert_eq!(numbered("README", 2), "README (2)");
        assert_eq!(numbered("_profile", 2), "_profile (2)");
    }
}
