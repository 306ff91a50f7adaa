//! Text files that people write, read with a bound.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// The longest file that is read: a hundred thousand keys.
pub(crate) const LONGEST: u64 = 16 << 20;

/// Opens a file, or `/dev/null`, but nothing that could make the caller wait.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_fifo() || kind.is_socket() || kind.is_dir() {
        return Err(io::Error::other("it is not a regular file"));
    }
    File::open(path)
}

/// The text of a file. What is not UTF-8, in comments mostly, is replaced.
pub(crate) fn read(file: File) -> io::Result<String> {
    let mut text = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut text)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > LONGEST {
        return Err(io::Error::other("it is longer than 16 MiB"));
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_not_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = open(folder.path()).unwrap_err();
        assert_eq!(error.to_string(), "it is not a regular file");
    }

    #[test]
    fn a_device_without_an_end_is_not_read_for_good() {
        let error = read(open(Path::new("/dev/zero")).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "it is longer than 16 MiB");
    }

    #[test]
    fn what_is_not_utf8_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"# \xff\n").unwrap();
        assert_eq!(read(open(&path).unwrap()).unwrap(), "# \u{fffd}\n");
    }
}
