//! Where this machine's files send a connection to a host: `cargo run --example settings -- host`.

use adit_ssh_config::config::Config;
use adit_ssh_config::destination::Destination;
use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::request::Request;
use adit_ssh_config::system::System;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let host = std::env::args().nth(1).unwrap_or_else(|| "example.org".to_owned());
    let destination = Destination::parse(&host).ok_or("this is no destination")?;
    let system = System::new()?;
    let config = Config::read(&Request::new(destination), &system)?;
    println!("{}@{} port {}", config.user(), config.host(), config.port());
    if let Some(jump) = config.jump() {
        println!("by way of {jump}");
    }
    for file in config.list(Keyword::IdentityFile) {
        println!("with {}", config.expanded(Keyword::IdentityFile, file, &system)?);
    }
    Ok(())
}
