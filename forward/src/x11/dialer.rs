//! The way to a display.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::dial::Dial;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::socket::{self, Stream};
use crate::target::Target;
use crate::unix;
use crate::x11::display::FOLDER;

/// Dials displays from this machine. Of a local one the socket in the abstract namespace comes
/// before the file, as with libxcb: it is there also where the folder of the files is not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Dialer {
    sockets: socket::Dialer,
}

impl Dial for Dialer {
    type Stream = Stream;

    async fn dial(&self, target: &Target, origin: &Origin) -> Result<Stream, Refusal> {
        if let Target::Unix(path) = target
            && path.starts_with(FOLDER)
        {
            match unix::connect(&in_abstract(path)).await {
                Err(Refusal::Refused | Refusal::NameNotFound) => {}
                found => return found.map(Stream::Unix),
            }
        }
        self.sockets.dial(target, origin).await
    }
}

/// The name in the abstract namespace of the socket that has this path.
fn in_abstract(path: &Path) -> PathBuf {
    let mut name = OsString::from("\0");
    name.push(path);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};

    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_display_is_found_in_the_abstract_namespace() {
        let path = format!("{FOLDER}/X{}", 4_000_000 + std::process::id());
        let target = Target::Unix(path.clone().into());
        let refusal = Dialer::default().dial(&target, &Origin::Unix).await.unwrap_err();
        assert_eq!(refusal, Refusal::NameNotFound);
        let name = SocketAddr::from_abstract_name(path).unwrap();
        let display = UnixListener::bind_addr(&name).unwrap();
        Dialer::default().dial(&target, &Origin::Unix).await.unwrap();
        display.accept().unwrap();
    }

    #[tokio::test]
    async fn a_display_is_found_by_its_file() {
        use std::os::unix::fs::DirBuilderExt;
        // As displays make it. It may be there, or be made by another at the same time.
        let _ = std::fs::DirBuilder::new().mode(0o1777).create(FOLDER);
        let path = format!("{FOLDER}/X{}", 5_000_000 + std::process::id());
        let display = UnixListener::bind(&path).unwrap();
        let found = Dialer::default().dial(&Target::Unix(path.clone().into()), &Origin::Unix).await;
        std::fs::remove_file(path).unwrap();
        found.unwrap();
        display.accept().unwrap();
    }

    #[tokio::test]
    async fn a_display_is_found_over_tcp() {
        let display = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = display.local_addr().unwrap().port();
        let target = Target::Tcp { host: "127.0.0.1".to_owned(), port };
        Dialer::default().dial(&target, &Origin::Unix).await.unwrap();
        display.accept().await.unwrap();
    }
}
