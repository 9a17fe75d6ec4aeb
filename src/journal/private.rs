//! Files that are their owner's alone: folders 0700 and files 0600 whatever the umask, written beside and renamed, and
//! nothing ever opened through a link or in a way that a pipe could hold up. Everything that the console writes to a
//! disk goes through here.

use std::fs::{self, DirBuilder, File, FileType, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use thiserror::Error;

/// Something else stands where a file, or a folder, should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it is {found}, not {wanted}")]
pub(crate) struct WrongKind {
    /// What stands there.
    pub(crate) found: &'static str,
    wanted: &'static str,
}

impl WrongKind {
    /// What stands in the way, where that is why an operation failed.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()).copied()
    }

    fn error(kind: FileType, wanted: &'static str) -> io::Error {
        io::Error::new(ErrorKind::InvalidInput, Self { found: kind_words(kind), wanted })
    }
}

fn kind_words(kind: FileType) -> &'static str {
    if kind.is_symlink() {
        return "a link";
    }
    if kind.is_dir() {
        return "a folder";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return "a named pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_block_device() || kind.is_char_device() {
            return "a device";
        }
    }
    if kind.is_file() { "a file" } else { "something else" }
}

/// Creates a folder that only its owner can enter, with its parents. One that is there already is closed to others.
pub(crate) fn folder(dir: &Path) -> io::Result<()> {
    match fs::symlink_metadata(dir) {
        Ok(meta) if meta.is_dir() => return close_folder(dir, &meta),
        Ok(meta) => return Err(WrongKind::error(meta.file_type(), "a folder")),
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists()) {
        folder(parent)?;
    }
    match new_folder(dir) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        other => other,
    }
}

/// Creates a folder that was not there, in one that is.
pub(crate) fn new_folder(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(dir)?;
    // The umask may have taken away what its owner needs.
    set_mode_of_folder(dir)
}

#[cfg(unix)]
fn set_mode_of_folder(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn set_mode_of_folder(_dir: &Path) -> io::Result<()> {
    Ok(())
}

/// An older version left folders open to others.
#[allow(clippy::unnecessary_wraps)]
fn close_folder(dir: &Path, meta: &fs::Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if meta.permissions().mode() & 0o077 != 0 {
            // Where it is somebody else's it stays as it is; what is written in it is for its owner only all the same.
            let _ = set_mode_of_folder(dir);
        }
    }
    #[cfg(not(unix))]
    let _ = (dir, meta);
    Ok(())
}

/// A file that is there, for reading.
pub(crate) fn reading(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().read(true))
}

/// A file that is there, for reading and for appending.
pub(crate) fn appending(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().read(true).append(true))
}

/// A file to hold a lock on, made where there is none.
pub(crate) fn lock_file(path: &Path) -> io::Result<File> {
    let file = open(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))?;
    set_mode(&file)?;
    Ok(file)
}

/// A log to append to, made where there is none.
pub(crate) fn log_file(path: &Path) -> io::Result<File> {
    let file = open(path, OpenOptions::new().append(true).create(true))?;
    set_mode(&file)?;
    Ok(file)
}

/// A file that was not there.
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    guarded(&mut options);
    let file = options.open(path)?;
    set_mode(&file)?;
    Ok(file)
}

/// Opens nothing but a file: looked at before, since opening alone can wait for ever or rewind a tape, and after, since
/// something else may have been put in its place.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let is_file = |kind: FileType| if kind.is_file() { Ok(()) } else { Err(WrongKind::error(kind, "a file")) };
    match fs::symlink_metadata(path) {
        Ok(meta) => is_file(meta.file_type())?,
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    guarded(options);
    let file = options.open(path)?;
    is_file(file.metadata()?.file_type())?;
    Ok(file)
}

fn guarded(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    #[cfg(not(unix))]
    let _ = options;
}

#[cfg(unix)]
fn set_mode(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if file.metadata()?.permissions().mode() & 0o777 == 0o600 {
        return Ok(());
    }
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn set_mode(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Writes a file of the console's own, whole or not at all; a link that stands there is replaced and not followed.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (beside, mut file) = beside(path)?;
    let written = file.write_all(bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Writes a file that a person named, whole or not at all, flushed. What is there and is no file, stays.
pub(crate) fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => {}
        Ok(meta) => return Err(WrongKind::error(meta.file_type(), "a file")),
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    let (beside, mut file) = beside(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
        return written;
    }
    flush_folder(path.parent().unwrap_or(Path::new("")))
}

/// Writes a file whole, unless there is one of that name: that one stays, and is no error.
pub(crate) fn establish(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (beside, mut file) = beside(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&beside, path));
    let _ = fs::remove_file(&beside);
    match written {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// A new file in the same folder, under a name of its own.
fn beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "it names no file"))?;
    loop {
        let beside = path.with_file_name(own_name(&name.to_string_lossy()));
        match new_file(&beside) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            other => return other.map(|file| (beside, file)),
        }
    }
}

/// A name that no other process and no other thread uses now, hidden, after what it is for.
pub(crate) fn own_name(name: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let short: String = name.chars().take(100).collect();
    format!(".new-{short}-{}-{number}", std::process::id())
}

/// Flushes a folder, so that a file just put there is still there after a power cut.
pub(crate) fn flush_folder(dir: &Path) -> io::Result<()> {
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_its_owners_alone_and_what_was_open_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b/c");
        folder(&deep).unwrap();
        for place in [dir.path().join("a"), dir.path().join("a/b"), deep.clone()] {
            assert_eq!(mode(&place), 0o700, "{}", place.display());
        }
        fs::set_permissions(&deep, fs::Permissions::from_mode(0o755)).unwrap();
        folder(&deep).unwrap();
        assert_eq!(mode(&deep), 0o700);
        let file = deep.join("file");
        fs::write(&file, "open to all").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        save(&file, b"closed").unwrap();
        assert_eq!((mode(&file), fs::read_to_string(&file).unwrap().as_str()), (0o600, "closed"));
        let lock = deep.join("lock");
        fs::write(&lock, "").unwrap();
        fs::set_permissions(&lock, fs::Permissions::from_mode(0o644)).unwrap();
        lock_file(&lock).unwrap();
        assert_eq!(mode(&lock), 0o600);
        assert_eq!(fs::read_dir(&deep).unwrap().count(), 2, "nothing is left beside");
    }

    #[test]
    fn nothing_is_written_or_read_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target"), dir.path().join("link"));
        fs::write(&target, "theirs").unwrap();
        symlink(&target, &link).unwrap();
        for refused in [
            save(&link, b"x").unwrap_err(),
            reading(&link).unwrap_err(),
            appending(&link).unwrap_err(),
            lock_file(&link).unwrap_err(),
            log_file(&link).unwrap_err(),
        ] {
            assert_eq!(WrongKind::of(&refused).unwrap().found, "a link", "{refused}");
        }
        replace(&link, b"ours").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "theirs");
        assert!(!fs::symlink_metadata(&link).unwrap().is_symlink());
        symlink(dir.path(), dir.path().join("elsewhere")).unwrap();
        assert_eq!(WrongKind::of(&folder(&dir.path().join("elsewhere")).unwrap_err()).unwrap().found, "a link");
    }

    #[test]
    fn a_folder_and_a_device_are_no_files() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(WrongKind::of(&reading(dir.path()).unwrap_err()).unwrap().found, "a folder");
        assert_eq!(WrongKind::of(&save(Path::new("/dev/null"), b"x").unwrap_err()).unwrap().found, "a device");
        assert_eq!(WrongKind::of(&appending(Path::new("/dev/null")).unwrap_err()).unwrap().found, "a device");
        assert!(WrongKind::of(&reading(&dir.path().join("nothing")).unwrap_err()).is_none());
    }
}
