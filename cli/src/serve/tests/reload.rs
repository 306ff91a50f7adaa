//! A configuration that changes while there are connections.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use adit_transport::config::Rekey;

use crate::serve::charter::Charter;
use crate::serve::tests::stage::{ALL, HERE, House, Stage, tcp};
use crate::serve::tests::world::reached;

#[tokio::test]
async fn what_is_asked_for_is_judged_anew_and_what_runs_goes_on() {
    let house = House::new();
    let stage = Stage::new(house.config("", ALL));
    let change = |before: &str, after: &str| {
        let config = house.config(before, after);
        stage.gateway.set_charter(Charter::new(config, Rekey::default()).unwrap());
    };
    let guest = stage.log_in(house.ann(), "ann", HERE).await.unwrap();
    let mut channel = guest.open(&tcp("192.0.2.1", 80)).await.unwrap();
    reached(&mut channel).await;

    change("", "");
    let (reason, words) = guest.refused(&tcp("192.0.2.1", 80)).await;
    assert_eq!((reason, &*words), (1, "the policy of the gateway does not permit it"));

    let key = std::fs::read_to_string(house.at().join("ann.pub")).unwrap();
    change(&format!("revoked = ['{}']", key.trim_end()), ALL);
    let (reason, words) = guest.refused(&tcp("192.0.2.1", 80)).await;
    assert_eq!((reason, &*words), (1, "the user would not be let in any more"));
    assert!(stage.log_in(house.ann(), "ann", HERE).await.is_err());

    change("[limits]\nchannels = 1", ALL);
    assert_eq!(guest.refused(&tcp("192.0.2.1", 80)).await.0, 4, "resource shortage");

    change("", ALL);
    assert!(guest.open(&tcp("192.0.2.1", 80)).await.is_ok());

    channel.write_all(b"still here").await.unwrap();
    let mut back = [0; 10];
    channel.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"still here");
}
