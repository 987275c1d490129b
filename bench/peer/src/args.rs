//! `bench-peer SCENARIO --key value …`, the arguments that `compare.py` passes to every peer.

use std::collections::HashMap;
use std::str::FromStr;

/// The command line. Unknown keys are ignored, as every peer of the comparison does.
pub(crate) struct Args {
    pub(crate) scenario: String,
    values: HashMap<String, String>,
}

impl Args {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Self {
        let scenario = words.next().unwrap_or_default();
        let mut values = HashMap::new();
        while let Some(key) = words.next() {
            let value = words.next().unwrap_or_default();
            values.insert(key.trim_start_matches('-').to_owned(), value);
        }
        Args { scenario, values }
    }

    /// The value of `--key`, or `default` when it is absent or no such value.
    pub(crate) fn get<T: FromStr>(&self, key: &str, default: T) -> T {
        let value = self.values.get(key).and_then(|text| text.parse().ok());
        value.unwrap_or(default)
    }

    /// `--relay A:B`: the ports of the network emulator that stand for our two ends.
    pub(crate) fn relay(&self) -> Option<(u16, u16)> {
        let (a, b) = self.values.get("relay")?.split_once(':')?;
        Some((a.parse().ok()?, b.parse().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Args {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn keys_have_values_and_defaults() {
        let args = parse("dc --size 64 --secs 2.5 --relay 1000:2000");
        assert_eq!(args.scenario, "dc");
        assert_eq!(args.get("size", 16_384), 64);
        assert_eq!(args.get("secs", 10.0), 2.5);
        assert_eq!(args.get("warm", 1.0), 1.0);
        assert_eq!(args.relay(), Some((1000, 2000)));
        assert_eq!(parse("ping").relay(), None);
    }
}
