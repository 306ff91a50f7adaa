//! Two sessions over a pipe in memory: one opens a channel, the other sends back what comes.
//!
//! `cargo run -p adit-channels --example echo`

use adit_channels::memory;
use adit_channels::session::{Config, Session};
use adit_proto::message::channel_open::Kind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (here, there) = memory::pair(memory::Path::default());
    let (here, mut there) =
        (Session::new(here, Config::default()), Session::new(there, Config::default()));
    tokio::spawn(here.driver);
    let far_driver = tokio::spawn(there.driver);

    tokio::spawn(async move {
        while let Some(opening) = there.openings.next().await {
            let (mut read, mut write) = tokio::io::split(opening.accept());
            tokio::io::copy(&mut read, &mut write).await?;
            write.shutdown().await?;
        }
        Ok::<(), std::io::Error>(())
    });

    let mut channel = here.handle.open(Kind::DirectStreamlocal { path: "/echo".into() }).await?;
    channel.write_all(b"there and back").await?;
    channel.shutdown().await?;
    let mut answer = String::new();
    channel.read_to_string(&mut answer).await?;
    println!("{answer}");

    here.handle.disconnect();
    println!("{}", far_driver.await?);
    Ok(())
}
