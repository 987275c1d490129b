//! Where files that come are kept: a folder, in which a part of a file stays until the rest of it comes.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::hash::{Hasher, Sha256};
use super::limits::NAMES;
use super::name;

/// A file as the other end offers it, with a name that is ours.
#[derive(Clone, Debug)]
pub(super) struct Offered {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) sha256: Sha256,
}

/// What there is of an offered file.
pub(super) enum Found {
    /// All of it.
    Whole(PathBuf),
    Part(Part),
}

/// A file of which some is here, and may be written to.
pub(super) struct Part {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    offered: Offered,
    hasher: Hasher,
    pub(super) len: u64,
}

/// What became of a file all of whose bytes came.
#[derive(Debug)]
pub(super) enum Kept {
    At(PathBuf),
    /// It is another one than was offered; it is gone.
    Damaged(Sha256),
}

/// Looks for the file, and for a part of it, which is read: its hash goes on from there. Of what may be the whole file
/// so many bytes are compared at the most. Who is told says whether to go on.
///
/// # Errors
/// The folder cannot be written; somebody else writes this part; there is more to compare.
pub(super) fn find(
    folder: &Path,
    offered: Offered,
    most: u64,
    tell: impl Fn(u64) -> bool,
) -> io::Result<Found> {
    let whole = folder.join(&offered.name);
    if is_file_of(&whole, |len| len == offered.size) {
        if offered.size > most {
            let why = "too much was compared in this call with what is here already";
            return Err(io::Error::other(why));
        }
        let mut hasher = Hasher::new();
        hasher.read(&mut File::open(&whole)?, &tell)?;
        if hasher.finish() == offered.sha256 {
            return Ok(Found::Whole(whole));
        }
    }
    let path = folder.join(name::part(&offered.name, offered.sha256));
    let known = is_file_of(&path, |_| true);
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        // Without a part nothing is there, and no link of somebody else's is followed.
        .create_new(!known)
        .open(&path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            return Err(io::Error::other("another call receives this file already"));
        }
        // A file system without locks has none to respect.
        Err(TryLockError::Error(_)) | Ok(()) => {}
    }

    let mut hasher = Hasher::new();
    let mut len = file.metadata()?.len();
    if len > offered.size {
        file.set_len(0)?;
        len = 0;
    }
    if len > 0 {
        len = hasher.read(&mut &file, tell)?;
    }
    Ok(Found::Part(Part {
        folder: folder.to_owned(),
        path,
        file,
        offered,
        hasher,
        len,
    }))
}

fn is_file_of(path: &Path, size: impl Fn(u64) -> bool) -> bool {
    let known = path.symlink_metadata();
    known.is_ok_and(|known| known.is_file() && size(known.len()))
}

impl Part {
    pub(super) fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.file.write_all(chunk)?;
        self.hasher.update(chunk);
        self.len += chunk.len() as u64;
        Ok(())
    }

    /// Gives it its name, or one with a number, if it is what was offered.
    pub(super) fn keep(self) -> io::Result<Kept> {
        let hash = self.hasher.clone().finish();
        if hash != self.offered.sha256 {
            self.discard()?;
            return Ok(Kept::Damaged(hash));
        }
        self.file.sync_data()?;
        for number in 0..NAMES {
            let name = match number {
                0 => self.offered.name.clone(),
                number => name::numbered(&self.offered.name, number),
            };
            let path = self.folder.join(name);
            // An empty file of ours takes the name, so that nobody's file is written over.
            match File::create_new(&path) {
                Ok(_) => {
                    return match std::fs::rename(&self.path, &path) {
                        Ok(()) => Ok(Kept::At(path)),
                        Err(error) => {
                            let _ = std::fs::remove_file(&path);
                            Err(error)
                        }
                    };
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("too many files of this name"))
    }

    /// The rest of it never comes.
    pub(super) fn discard(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }

    /// Where what is here stays for another time; nowhere if that is nothing.
    pub(super) fn leave(self) -> Option<PathBuf> {
        if self.len > 0 {
            return Some(self.path);
        }
        // An empty file says nothing of any.
        let _ = std::fs::remove_file(&self.path);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(name: &str, bytes: &[u8]) -> Offered {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        Offered {
            name: name.to_owned(),
            size: bytes.len() as u64,
            sha256: hasher.finish(),
        }
    }

    fn part_of(folder: &Path, offered: &Offered) -> Part {
        match find(folder, offered.clone(), u64::MAX, |_| true).unwrap() {
            Found::Part(part) => part,
            Found::Whole(path) => panic!("{}", path.display()),
        }
    }

    #[test]
    fn a_part_is_gone_on_with_and_the_whole_is_known_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = offered("a.txt", b"hello, world");
        let mut part = part_of(folder.path(), &file);
        part.write(b"hello").unwrap();
        // Nobody else writes to it meanwhile.
        assert!(find(folder.path(), file.clone(), 12, |_| true).is_err());
        assert!(part.leave().is_some());

        let mut part = part_of(folder.path(), &file);
        assert_eq!(part.len, 5);
        part.write(b", world").unwrap();
        let Kept::At(path) = part.keep().unwrap() else {
            panic!("it is whole");
        };
        assert_eq!(std::fs::read(&path).unwrap(), b"hello, world");
        assert_eq!(path, folder.path().join("a.txt"));
        assert!(
            matches!(find(folder.path(), file, 12, |_| true).unwrap(), Found::Whole(it) if it == path)
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_of_the_same_name_is_left_and_a_damaged_one_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "mine").unwrap();
        let mut part = part_of(folder.path(), &offered("a.txt", b"theirs"));
        part.write(b"theirs").unwrap();
        let kept = part.keep().unwrap();
        assert!(matches!(kept, Kept::At(path) if path.ends_with("a (1).txt")));
        assert_eq!(std::fs::read(folder.path().join("a.txt")).unwrap(), b"mine");

        let mut part = part_of(folder.path(), &offered("b.txt", b"right"));
        part.write(b"wrong").unwrap();
        assert!(matches!(part.keep().unwrap(), Kept::Damaged(_)));
        assert!(
            part_of(folder.path(), &offered("c.txt", b""))
                .leave()
                .is_none()
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_part_that_cannot_be_given_its_name_leaves_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = part_of(folder.path(), &offered("a", b"123"));
        part.write(b"123").unwrap();
        std::fs::remove_file(&part.path).unwrap();
        assert!(part.keep().is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_part_that_is_longer_than_the_file_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = offered("a", b"123");
        let path = folder.path().join(name::part("a", file.sha256));
        std::fs::write(&path, "123456").unwrap();
        assert_eq!(part_of(folder.path(), &file).len, 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_a_part_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let file = offered("a", b"123");
        let path = folder.path().join(name::part("a", file.sha256));
        let target = folder.path().join("target");
        std::os::unix::fs::symlink(&target, &path).unwrap();
        assert!(find(folder.path(), file, 12, |_| true).is_err());
        assert!(!target.exists());
    }
}
