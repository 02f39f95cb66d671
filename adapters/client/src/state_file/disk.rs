//! A state file as the file system sees it: read whole, replaced whole, and locked meanwhile.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fs4::{FileExt, TryLockError};

use crate::state_file_error::{StateFileError, StateFileProblem as Problem};

/// More is no state file.
const MAX_BYTES: u64 = 64 * 1024;

/// A state file, and those beside it.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    /// Stays where it is, as the state file itself is replaced.
    lock: PathBuf,
    /// What the state file is replaced by. No other client uses this name.
    temp: PathBuf,
}

/// What tells one content of the file from the next without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self { modified: metadata.modified().ok(), bytes: metadata.len(), inode: inode(metadata) }
    }
}

impl Disk {
    /// Fails only where the path can never be that of a state file. `writer` makes names that nobody else
    /// uses.
    pub(super) fn new(path: &Path, writer: u64) -> Result<Self, StateFileError> {
        if path.as_os_str().is_empty() {
            return Err(StateFileError::new(path, Problem::EmptyPath));
        }
        // The process may move to another folder.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let error = |problem| StateFileError::new(&path, problem);
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(error(Problem::NotAFile));
        };
        if !folder.is_dir() {
            return Err(error(Problem::NoFolder));
        }
        if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(error(Problem::NotAFile));
        }
        let beside = |suffix: &str| {
            let mut name: OsString = name.to_owned();
            name.push(suffix);
            folder.join(name)
        };
        let (lock, temp) = (beside(".lock"), beside(&format!(".{writer:016x}.tmp")));
        Ok(Self { path, lock, temp })
    }

    pub(super) fn error(&self, problem: Problem) -> StateFileError {
        StateFileError::new(&self.path, problem)
    }

    /// `None` if there is no file.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        fs::metadata(&self.path).ok().as_ref().map(Stamp::of)
    }

    /// What the file holds. `None` if there is none.
    pub(super) fn read(&self) -> Result<Option<Vec<u8>>, Problem> {
        let unreadable = |error: io::Error| Problem::Unreadable(error.to_string());
        match fs::metadata(&self.path) {
            Ok(metadata) if !metadata.is_file() => return Err(Problem::NotAFile),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            _ => {}
        }
        let file = File::open(&self.path).map_err(unreadable)?;
        if owner(&file.metadata().map_err(unreadable)?) != self.owner().map_err(unreadable)? {
            return Err(Problem::Foreign);
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
            return Err(Problem::TooLarge);
        }
        Ok(Some(bytes))
    }

    /// Whose the files are that this process creates.
    fn owner(&self) -> io::Result<u32> {
        let made = self.create()?.metadata();
        let _ = fs::remove_file(&self.temp);
        Ok(owner(&made?))
    }

    /// Keeps other processes, and other clients of this one, from replacing the file, as long as what is
    /// returned exists. `None` if one of them does just that.
    pub(super) fn try_lock(&self) -> Result<Option<File>, Problem> {
        let failed = |error: io::Error| {
            Problem::NotWritten(format!("{} could not be locked: {error}", self.lock.display()))
        };
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = for_owner_alone(&mut options).open(&self.lock).map_err(failed)?;
        match FileExt::try_lock(&file) {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Replaces the file: whoever reads it sees the whole of what was there before, or the whole of this.
    pub(super) fn replace(&self, bytes: &[u8]) -> Result<Stamp, Problem> {
        let replaced = self.create().and_then(|mut file| {
            file.write_all(bytes)?;
            let stamp = Stamp::of(&file.metadata()?);
            drop(file);
            fs::rename(&self.temp, &self.path)?;
            Ok(stamp)
        });
        replaced.map_err(|error| {
            let _ = fs::remove_file(&self.temp);
            Problem::NotWritten(error.to_string())
        })
    }

    fn create(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        for_owner_alone(options.write(true).create_new(true)).open(&self.temp)
    }
}

#[cfg(unix)]
fn for_owner_alone(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

#[cfg(not(unix))]
fn for_owner_alone(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

#[cfg(unix)]
fn owner(metadata: &Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::uid(metadata)
}

/// Where files have no owner of this kind, all are taken to be ours.
#[cfg(not(unix))]
fn owner(_: &Metadata) -> u32 {
    0
}
