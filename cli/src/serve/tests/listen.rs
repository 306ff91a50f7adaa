//! The cases of the policy that listen, through real connections and sockets.

use std::net::SocketAddr;
use std::path::Path;

use adit_forward::target::Target;
use adit_gateway::ask::Direction;
use adit_tests::policy::{Case, Table};
use adit_tests::visitor::Visitor;
use adit_transport::config::Rekey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::serve::charter::Charter;
use crate::serve::tests::stage::{ALL, Guest, HERE, House, Stage, tcp};
use crate::serve::tests::table::teach;

/// This case leaves the port to the system, and the one that the system then chooses is none that
/// the rule allows.
const CHOSEN_OUT_OF_RANGE: &str = "a port of the system's choice";

/// These ports take a right of their own from the system.
const PRIVILEGED: u16 = 1024;

/// What comes of a case, in the words of the table.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    NotLetIn,
    Listened { rule: Option<String> },
    Refused { reason: Option<String>, rule: Option<String> },
}

fn expected(case: &Case, allowed: Option<&[String]>) -> Outcome {
    let rule = case.rule.clone();
    match (&case.login, allowed) {
        (Some(_), _) => Outcome::NotLetIn,
        (None, Some(_)) if case.name == CHOSEN_OUT_OF_RANGE => {
            Outcome::Refused { reason: Some("no-rule".to_owned()), rule: None }
        }
        (None, Some(_)) => Outcome::Listened { rule },
        (None, None) => Outcome::Refused { reason: case.deny.clone(), rule },
    }
}

async fn run(table: &Table, case: &Case, place: &Target) -> Outcome {
    let stage = Stage::new(table.config(case));
    let (login_time, ask_time) = table.times(case);
    stage.world.set_now(login_time);
    teach(&stage, table, Direction::Listen, place);
    let certificate = table.certificate(case);
    let visitor = Visitor::new(&table.private_key(case), certificate.as_deref());
    let Ok(mut guest) = stage.log_in(visitor, &case.user, table.source(case)).await else {
        return Outcome::NotLetIn;
    };
    stage.world.set_now(ask_time);
    let granted = guest.listen(place).await;
    let bound = table.allowed(case).unwrap_or_default();
    if let Some(chosen) = granted {
        for address in &bound {
            connect(&mut guest, address, chosen).await;
        }
    }
    guest.leave().await;
    let lines = stage.finish();
    let Some(line) = lines.first() else {
        assert_eq!(granted, None, "{}", case.name);
        return Outcome::Refused { reason: Some("unclear".to_owned()), rule: None };
    };
    let text = |name: &str| line[name].as_str().map(str::to_owned);
    assert_eq!(line["direction"], "listen");
    match granted {
        Some(_) => {
            assert_eq!(lines.len(), bound.len(), "{}: a line for each connection", case.name);
            Outcome::Listened { rule: text("rule") }
        }
        None => Outcome::Refused { reason: text("reason"), rule: text("rule") },
    }
}

/// Connects to an address that is listened on, by the port that was chosen, and is heard.
async fn connect(guest: &mut Guest, address: &str, chosen: Option<u16>) {
    if Path::new(address).is_absolute() {
        let stream = UnixStream::connect(address).await.unwrap();
        return converse(guest, stream).await;
    }
    let mut address: SocketAddr = address.parse().unwrap();
    address.set_port(chosen.unwrap_or(address.port()));
    // Where it is listened on all addresses, one of loopback will do.
    match &mut address {
        SocketAddr::V4(it) if it.ip().is_unspecified() => it.set_ip([127, 0, 0, 1].into()),
        SocketAddr::V6(it) if it.ip().is_unspecified() => {
            it.set_ip(std::net::Ipv6Addr::LOCALHOST);
        }
        _ => {}
    }
    let stream = TcpStream::connect(address).await.unwrap_or_else(|it| panic!("{address}: {it}"));
    converse(guest, stream).await;
}

async fn converse<S>(guest: &mut Guest, mut stream: S)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    stream.write_all(b"hello").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut channel = guest.openings.next().await.unwrap().accept();
    let mut said = String::new();
    channel.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "hello");
    channel.write_all(b"welcome").await.unwrap();
    channel.shutdown().await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "welcome");
}

#[tokio::test]
async fn every_case_comes_out_as_the_table_says() {
    let table = Table::load();
    let is_root = rustix::process::geteuid().is_root();
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for case in table.cases() {
        let (Direction::Listen, place) = table.asked(case) else { continue };
        asked += 1;
        let allowed = table.allowed(case);
        let privileged = matches!(&place, Target::Tcp { port: 1..PRIVILEGED, .. });
        if privileged && allowed.is_some() && !is_root {
            println!("left out, for it takes the rights of root: {}", case.name);
            continue;
        }
        let (found, expected) =
            (run(&table, case, &place).await, expected(case, allowed.as_deref()));
        if found != expected {
            wrong.push(format!("{}\n  expected {expected:?}\n  found    {found:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked >= 25, "{asked} cases listen");
}

#[tokio::test]
async fn a_listener_that_is_no_longer_allowed_gets_no_connections() {
    let house = House::new();
    let stage = Stage::new(house.config("", ALL));
    let change = |after: &str| {
        let charter = Charter::new(house.config("", after), Rekey::default());
        stage.gateway.set_charter(charter.unwrap());
    };
    let mut guest = stage.log_in(house.ann(), "ann", HERE).await.unwrap();
    let port = guest.listen(&tcp("127.0.0.1", 0)).await.unwrap();
    let address = "127.0.0.1:0";
    connect(&mut guest, address, port).await;
    change("");
    let mut stream = TcpStream::connect(("127.0.0.1", port.unwrap())).await.unwrap();
    assert!(stream.read(&mut [0]).await.is_err(), "it is reset");
    change(ALL);
    connect(&mut guest, address, port).await;
    guest.leave().await;
    let lines = stage.finish();
    let told = lines.iter().map(|line| (line["verdict"].as_str(), line["reason"].as_str()));
    let allow = (Some("allow"), None);
    assert_eq!(told.collect::<Vec<_>>(), [allow, (Some("deny"), Some("no-rule")), allow]);
}

#[tokio::test]
async fn listeners_and_their_channels_have_limits() {
    let house = House::new();
    let stage = Stage::new(house.config("[limits]\nlisteners = 2\nchannels = 1", ALL));
    let mut guest = stage.log_in(house.ann(), "ann", HERE).await.unwrap();
    let port = guest.listen(&tcp("127.0.0.1", 0)).await.unwrap().unwrap();
    assert!(guest.listen(&tcp("127.0.0.1", 0)).await.is_some());
    assert_eq!(guest.listen(&tcp("127.0.0.1", 0)).await, None);
    let _held = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let _channel = guest.openings.next().await.unwrap().accept();
    let mut more = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    assert!(more.read(&mut [0]).await.is_err(), "it is reset");
}
