//! Which number of a frame or packet stands where in a row; `lib/flow/columns.ts` is made of it by `npm run types`.

macro_rules! numbers {
    ($(#[$of:meta])* $all:ident: $type:ty = { $($(#[doc = $doc:literal])? $name:ident = $value:literal,)* }) => {
        $($(#[doc = $doc])? pub(super) const $name: $type = $value;)*

        $(#[$of])*
        #[cfg(all(test, feature = "typescript"))]
        pub(crate) const $all: &[(&str, $type, &str)] =
            &[$((stringify!($name), $value, concat!($($doc)?)),)*];
    };
}

numbers! {
    /// The columns: name, place and what they are.
    ALL: usize = {
        /// Numbers of one frame or packet.
        COLUMNS = 16,
        LENGTH = 0,
        ENCODING = 1,
        SSRC = 2,
        PAYLOAD_TYPE = 3,
        TIMESTAMP = 4,
        SEQUENCE_NUMBER = 5,
        FLAGS = 6,
        AUDIO_LEVEL = 7,
        WIDTH = 8,
        HEIGHT = 9,
        TEMPORAL = 10,
        /// How long ago it came, in milliseconds.
        AGE = 11,
        RID = 12,
        /// Which of the batch's details is its.
        DETAILS = 13,
    }
}

numbers! {
    /// The bits of the column of flags.
    ALL_FLAGS: u32 = {
        KEY = 1,
        DISCARDABLE = 2,
        VOICE = 4,
        MARKER = 8,
        REPAIRED = 16,
    }
}
