use std::sync::OnceLock;

use duologue_codec::CodecError;
use thiserror::Error;

/// Why a library is not used.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Missing {
    /// `DUOLOGUE_CODECS=none`
    #[error("DUOLOGUE_CODECS=none says not to look for it")]
    TurnedOff,
    /// The system does not find it, under any of the names of versions that are known.
    #[error("not found")]
    NotFound,
    /// A function is not there that all known versions have.
    #[error("it has no function {0}")]
    NoFunction(&'static str),
    /// The library's structures are not known in this version, or on this kind of machine.
    #[error("version {0} is not known")]
    Unknown(String),
    /// The library does not fill its structures as its version does.
    #[error("its structures are not those of its version")]
    Layout,
    /// What went in did not come out.
    #[error("its test failed: {0}")]
    Test(CodecError),
}

/// Opens the first of these libraries that is there, for good: C libraries may keep threads and
/// pointers into themselves, so none is ever unloaded.
pub(crate) fn open(names: &[&str]) -> Result<&'static libloading::Library, Missing> {
    let open = |name: &&str| {
        // SAFETY: loading runs the library's initialisers. These names are those of well-known
        // codecs, found where the system looks for libraries, and none of them does more there than
        // set up its own tables.
        unsafe { libloading::Library::new(*name) }.ok()
    };
    let found = names.iter().find_map(open).ok_or(Missing::NotFound)?;
    Ok(Box::leak(Box::new(found)))
}

/// Declares a table of a library's functions, and how it is read from it.
macro_rules! functions {
    ($name:ident { $($function:ident: $type:ty,)* }) => {
        #[allow(non_snake_case, reason = "the names are the library's")]
        #[derive(Clone, Copy)]
        struct $name {
            $($function: $type,)*
        }

        impl $name {
            fn of(library: &'static libloading::Library) -> Result<Self, $crate::load::Missing> {
                Ok($name {
                    $($function: {
                        let missing = $crate::load::Missing::NoFunction(stringify!($function));
                        // SAFETY: this is the function's type in the library's public header, the
                        // same in all versions that are known.
                        let found = unsafe { library.get::<$type>(stringify!($function)) };
                        *found.map_err(|_| missing)?
                    },)*
                })
            }
        }
    };
}
pub(crate) use functions;

/// The one copy of a library in a process: looked for once, tested before anyone has it.
pub(crate) struct Once<T>(OnceLock<Result<T, Missing>>);

impl<T> Once<T> {
    pub(crate) const fn new() -> Self {
        Once(OnceLock::new())
    }

    pub(crate) fn get(
        &'static self,
        load: impl FnOnce() -> Result<T, Missing>,
    ) -> Result<&'static T, Missing> {
        self.0.get_or_init(load).as_ref().map_err(Missing::clone)
    }
}
