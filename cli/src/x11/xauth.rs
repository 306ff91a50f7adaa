//! `xauth`, who knows the cookies of displays.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use adit_forward::x11::cookie::{Cookie, PROTOCOL};
use adit_forward::x11::display::Display;
use adit_transport::provider;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// How long it may take. It waits for others who have its file open, and for the display.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most that is read of what it says. What is beyond is of other displays.
const LONGEST: usize = 64 * 1024;

/// `xauth`, who knows the cookies of displays. What it is called with is seen by everybody on this
/// machine and has no secret in it.
#[derive(Debug)]
pub(super) struct Xauth<'a> {
    program: &'a Path,
}

impl<'a> Xauth<'a> {
    /// The program, if it is there.
    pub(super) fn find(program: &'a Path) -> Option<Self> {
        program.exists().then_some(Self { program })
    }

    /// The cookie that programs of this user show to a display.
    pub(super) async fn list(&self, display: &Display) -> Option<Cookie> {
        self.cookie(&["list", &display.known_as()]).await
    }

    /// Has a display make a cookie for untrusted programs, which it forgets when nobody has used it
    /// for this long.
    pub(super) async fn generate(
        &self,
        display: &Display,
        time: Option<Duration>,
    ) -> Option<Cookie> {
        let folder = match Folder::make() {
            Ok(folder) => folder,
            Err(error) => {
                tracing::warn!(%error, "there is no place for the file of xauth");
                return None;
            }
        };
        let (file, name) = (folder.0.join("xauthfile"), display.known_as());
        let file = file.to_str()?;
        let mut words = vec!["-f", file, "generate", &name, PROTOCOL, "untrusted"];
        let seconds = time.map(|it| it.as_secs().to_string());
        if let Some(seconds) = &seconds {
            words.extend(["timeout", seconds]);
        }
        self.run(&words).await?;
        self.cookie(&["-f", file, "list", &name]).await
    }

    /// The first cookie in what is listed.
    async fn cookie(&self, words: &[&str]) -> Option<Cookie> {
        let said = self.run(words).await?;
        str::from_utf8(&said).ok()?.lines().find_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            if words.next()? != PROTOCOL {
                return None;
            }
            Cookie::from_hex(words.next()?)
        })
    }

    /// What it says when it is called so; nothing where it fails.
    async fn run(&self, words: &[&str]) -> Option<Zeroizing<Vec<u8>>> {
        match timeout(PATIENCE, self.call(words)).await {
            Ok(Ok(said)) => Some(said),
            Ok(Err(error)) => {
                tracing::info!(%error, ?words, "xauth");
                None
            }
            Err(_) => {
                tracing::warn!("xauth does not end within {} s", PATIENCE.as_secs());
                None
            }
        }
    }

    async fn call(&self, words: &[&str]) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut child = Command::new(self.program)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        // Grown in place, it would leave cookies behind.
        let mut said = Zeroizing::new(Vec::with_capacity(LONGEST));
        if let Some(output) = child.stdout.take() {
            let limit = u64::try_from(LONGEST).unwrap_or(u64::MAX);
            output.take(limit).read_to_end(&mut said).await?;
        }
        let status = child.wait().await?;
        if status.success() { Ok(said) } else { Err(io::Error::other(status.to_string())) }
    }
}

/// A folder that only this user sees into, which goes with what is in it.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn make() -> io::Result<Self> {
        let mut bytes = [0; 8];
        provider::default().random.fill(&mut bytes).map_err(io::Error::other)?;
        let path = std::env::temp_dir().join(format!("adit-{:016x}", u64::from_ne_bytes(bytes)));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "cannot remove the file of xauth");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    /// A program in the place of `xauth` that says this, and how it was called.
    fn fake(folder: &TempDir, says: &str) -> PathBuf {
        let path = folder.path().join("xauth");
        let called = folder.path().join("called").display().to_string();
        let script = format!("#!/bin/sh\necho \"$@\" >> {called}\n{says}\n");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn display() -> Display {
        "localhost:10.0".parse().unwrap()
    }

    #[tokio::test]
    async fn the_first_cookie_that_can_be_used_is_taken() {
        let folder = TempDir::new().unwrap();
        let says = "echo 'host:10  XDM-AUTHORIZATION-1  00112233'\n\
                    echo 'host/unix:10  MIT-MAGIC-COOKIE-1  aabb'\n\
                    echo 'host/unix:10  MIT-MAGIC-COOKIE-1  ccdd'";
        let program = fake(&folder, says);
        let cookie = Xauth::find(&program).unwrap().list(&display()).await.unwrap();
        assert_eq!(cookie.bytes(), [0xaa, 0xbb]);
        let called = fs::read_to_string(folder.path().join("called")).unwrap();
        assert_eq!(called, "list unix:10.0\n");
    }

    #[tokio::test]
    async fn an_untrusted_cookie_is_made_in_a_folder_that_goes() {
        let folder = TempDir::new().unwrap();
        let says = "[ $3 = list ] && echo 'x  MIT-MAGIC-COOKIE-1  aabb'\ntouch $2-c\nexit 0";
        let program = fake(&folder, says);
        let xauth = Xauth::find(&program).unwrap();
        let time = Some(Duration::from_secs(70));
        assert!(xauth.generate(&display(), time).await.is_some());
        let called = fs::read_to_string(folder.path().join("called")).unwrap();
        let words = "generate unix:10.0 MIT-MAGIC-COOKIE-1 untrusted timeout 70\n";
        assert!(called.contains(words), "{called}");
        let file = called.split(' ').nth(1).unwrap();
        assert!(!Path::new(file).parent().unwrap().exists());
    }

    #[tokio::test]
    async fn where_it_fails_or_says_nothing_there_is_no_cookie() {
        assert!(Xauth::find(Path::new("/nonexistent/xauth")).is_none());
        for says in ["exit 1", "exit 0", "echo nonsense", "echo 'x  MIT-MAGIC-COOKIE-1  xyz'"] {
            let folder = TempDir::new().unwrap();
            let program = fake(&folder, says);
            let xauth = Xauth::find(&program).unwrap();
            assert!(xauth.list(&display()).await.is_none(), "{says}");
            assert!(xauth.generate(&display(), None).await.is_none(), "{says}");
        }
    }
}
