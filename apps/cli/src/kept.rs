//! Files that are there from the start, so that it is known at once when they cannot be. What they had stays until
//! there is something else.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// A file to be written later.
///
/// # Errors
/// It cannot be.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).open(path)
}

/// Nothing of what was there before; a pipe or a device has nothing.
///
/// # Errors
/// The file cannot be changed.
pub(crate) fn empty(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(file)
}
