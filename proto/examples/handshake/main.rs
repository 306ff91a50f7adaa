//! A client and a server that shake hands in memory.
//!
//! The cryptography is a toy; `adit-transport` has the real one, and the same loop over a
//! socket.

use std::sync::Arc;
use std::time::Instant;

use adit_proto::config::{ClientConfig, Common, ServerConfig};
use adit_proto::event::{Credential, Decision};
use adit_proto::ident::Identification;
use adit_proto::{Connection, Error, Event};
use bytes::BytesMut;

mod toy;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now = Instant::now();
    let common = |seed| -> Result<Common, Box<dyn std::error::Error>> {
        Ok(Common::new(toy::provider(seed), Identification::own("example")?))
    };
    let client_config = ClientConfig::new(common(1)?, "alice".to_owned());
    let server_config = Arc::new(ServerConfig::new(common(2)?, vec![toy::host_key("host")]));
    let mut client = Connection::client(now, &client_config);
    let mut server = Connection::server(now, &server_config);
    let (mut to_client, mut to_server) = (BytesMut::new(), BytesMut::new());

    let mut logged_in = 0;
    while logged_in < 2 {
        client.poll_transmit(&mut to_server);
        server.poll_transmit(&mut to_client);
        logged_in += turn("client", &mut client, now, &mut to_client)?;
        logged_in += turn("server", &mut server, now, &mut to_server)?;
    }
    Ok(())
}

/// Feeds one side, answers what it asks, and counts logins.
fn turn(
    name: &str,
    side: &mut Connection,
    now: Instant,
    input: &mut BytesMut,
) -> Result<usize, Error> {
    side.handle_input(now, input)?;
    let Some(event) = side.poll_event() else { return Ok(0) };
    println!("{name}: {event:?}");
    match event {
        Event::HostKey(_) => side.trust(now, true)?,
        Event::Sign(request) => {
            side.provide_signature(now, toy::sign(&request.key, &request.data))?;
        }
        Event::Authenticate(_) => {
            let (key, algorithm) = (toy::public_key("alice"), "toy-signature".to_owned());
            side.authenticate(now, Credential::PublicKey { key, algorithm })?;
        }
        Event::Login(_) => side.decide(now, Decision::Accept)?,
        Event::Authenticated => return Ok(1),
        _ => {}
    }
    Ok(0)
}
