//! Files below a folder, and nothing else: no `..`, no link, nothing that is no plain file.

use std::fs::File;
use std::io;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::CWD;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;

/// A plain file that is open for reading.
#[derive(Debug)]
pub(super) struct Opened {
    file: File,
    /// How many bytes it has.
    pub length: usize,
}

/// Opens a file below a folder.
///
/// Each part of the path is opened by itself, below the one before, and must be no link: what
/// somebody renames meanwhile cannot lead out of the folder.
pub(super) fn open(folder: &Path, path: &Path) -> io::Result<Opened> {
    let way = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at: OwnedFd = rustix::fs::openat(CWD, folder, way, Mode::empty())?;
    let mut parts = parts(path)?.into_iter().peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_some() {
            at = rustix::fs::openat(&at, part, way | OFlags::NOFOLLOW, Mode::empty())?;
            continue;
        }
        // A pipe without a writer must not keep the thread waiting.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = rustix::fs::openat(&at, part, flags | OFlags::CLOEXEC, Mode::empty())?;
        let stat = rustix::fs::fstat(&file)?;
        return match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                let length = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
                Ok(Opened { file: File::from(file), length })
            }
            FileType::Directory => Err(io::ErrorKind::IsADirectory.into()),
            _ => Err(io::ErrorKind::PermissionDenied.into()),
        };
    }
    Err(io::ErrorKind::IsADirectory.into())
}

impl Opened {
    /// Reads the file, unless it has more bytes than this.
    pub(super) fn read(self, max: usize) -> io::Result<Vec<u8>> {
        if self.length > max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut bytes = Vec::with_capacity(self.length);
        // It may have grown since.
        let most = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
        self.file.take(most).read_to_end(&mut bytes)?;
        if bytes.len() > max { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
    }
}

/// Returns the path below a folder that a script means: with the folder's own name in front or
/// without it; `None` for one that leads elsewhere.
pub(super) fn below(folder: &Path, name: &str) -> Option<PathBuf> {
    let name = Path::new(name);
    let path = name.strip_prefix(folder).unwrap_or(name);
    Some(parts(path).ok()?.into_iter().collect())
}

/// Says why a file cannot be read, in the system's words.
pub(super) fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "No such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "Permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "Is a directory".to_owned(),
        io::ErrorKind::NotADirectory => "Not a directory".to_owned(),
        io::ErrorKind::FileTooLarge => "File too large".to_owned(),
        _ if error.raw_os_error() == Some(libc::ELOOP) => {
            "Too many levels of symbolic links".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Returns the names on a path; one that leads out of the folder is refused.
fn parts(path: &Path) -> io::Result<Vec<&Path>> {
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let names = parts.map(|part| match part {
        Component::Normal(name) => Ok(Path::new(name)),
        _ => Err(io::ErrorKind::PermissionDenied.into()),
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn read(folder: &Path, path: &str, max: usize) -> Result<String, String> {
        let bytes = open(folder, Path::new(path)).and_then(|file| file.read(max));
        bytes.map(|bytes| String::from_utf8(bytes).unwrap()).map_err(|error| why(&error))
    }

    #[test]
    fn only_plain_files_below_the_folder_are_read() {
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("in");
        fs::create_dir_all(folder.join("sub")).unwrap();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        fs::write(folder.join("a"), "text").unwrap();
        fs::write(folder.join("sub/b"), "below").unwrap();
        symlink("../secret", folder.join("link")).unwrap();
        symlink("a", folder.join("inner")).unwrap();
        symlink("..", folder.join("up")).unwrap();
        symlink("sub", folder.join("dir")).unwrap();
        rustix::fs::mknodat(CWD, folder.join("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let secret = outside.path().join("secret").display().to_string();
        for (path, expected) in [
            ("a", Ok("text")),
            ("./sub//b", Ok("below")),
            ("none", Err("No such file or directory")),
            ("", Err("Is a directory")),
            ("sub", Err("Is a directory")),
            ("a/b", Err("Not a directory")),
            ("../secret", Err("Permission denied")),
            ("sub/../a", Err("Permission denied")),
            ("sub/../../secret", Err("Permission denied")),
            (&secret, Err("Permission denied")),
            ("link", Err("Too many levels of symbolic links")),
            ("inner", Err("Too many levels of symbolic links")),
            ("up/secret", Err("Not a directory")),
            ("dir/b", Err("Not a directory")),
            ("pipe", Err("Permission denied")),
        ] {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(read(&folder, path, 100), expected, "{path}");
        }
        assert_eq!(read(&folder, "a", 3), Err("File too large".to_owned()));
        assert_eq!(read(&folder, "a", 4), Ok("text".to_owned()));
    }

    #[test]
    fn a_file_may_be_named_from_the_folder_or_with_it() {
        let folder = Path::new("acme/data");
        for (name, expected) in [
            ("x.map", Some("x.map")),
            ("acme/data/x.map", Some("x.map")),
            ("./sub/x.map", Some("sub/x.map")),
            ("/etc/passwd", None),
            ("acme/data/../x", None),
            ("..", None),
        ] {
            assert_eq!(below(folder, name), expected.map(PathBuf::from), "{name}");
        }
        assert_eq!(below(Path::new("/srv"), "/srv/a"), Some(PathBuf::from("a")));
    }
}
