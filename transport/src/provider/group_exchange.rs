//! Diffie-Hellman in a group that the server chooses,
//! [RFC 4419](https://www.rfc-editor.org/rfc/rfc4419).

use std::sync::{Arc, OnceLock};

use adit_proto::provider::{Failure, Group, GroupExchange, GroupSize, KeyExchange, Standing};
use ring::digest::SHA256;

use crate::provider::diffie_hellman::Over;
use crate::provider::modp::{Modp, SIZES, bits};
use crate::provider::moduli::{Moduli, SYSTEM};
use crate::provider::random;

/// What a client prefers, in bits: some 150 bits of strength
/// ([RFC 3766 section 5](https://www.rfc-editor.org/rfc/rfc3766#section-5)).
const PREFERRED: u32 = 4096;

/// `diffie-hellman-group-exchange-sha256`.
///
/// A server's groups are those of the system's file of moduli, read when they are first asked
/// for, and those of [RFC 3526](https://www.rfc-editor.org/rfc/rfc3526) in sizes that it lacks.
#[derive(Debug, Default)]
pub struct DhGroupExchange {
    moduli: OnceLock<Moduli>,
}

impl DhGroupExchange {
    const NAME: &str = "diffie-hellman-group-exchange-sha256";

    fn moduli(&self) -> &Moduli {
        self.moduli.get_or_init(|| {
            let text = std::fs::read_to_string(SYSTEM).unwrap_or_else(|error| {
                tracing::debug!(%error, "{SYSTEM} is not used");
                String::new()
            });
            Moduli::new(&text)
        })
    }
}

impl GroupExchange for DhGroupExchange {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn standing(&self) -> Standing {
        Standing::Client
    }

    fn wanted(&self) -> GroupSize {
        GroupSize { min: *SIZES.start(), preferred: PREFERRED, max: *SIZES.end() }
    }

    fn choose(&self, size: GroupSize) -> Result<Group, Failure> {
        self.moduli().choose(size, any_of)
    }

    fn over(&self, group: &Group, size: GroupSize) -> Result<Box<dyn KeyExchange>, Failure> {
        let bits = bits(&group.prime).ok_or(Failure::BadGroup)?;
        if !(size.min..=size.max).contains(&bits) {
            return Err(Failure::BadGroup);
        }
        let modp = Arc::new(Modp::new(group)?);
        Ok(Box::new(Over { name: Self::NAME, modp, hash: &SHA256 }))
    }
}

/// One of so many, by chance. That the first are a little more likely does no harm.
fn any_of(count: usize) -> Result<usize, Failure> {
    let mut bytes = [0; 8];
    random::fill(&mut bytes)?;
    let chance = usize::try_from(u64::from_be_bytes(bytes) >> 1).unwrap_or(0);
    chance.checked_rem(count).ok_or(Failure::Internal)
}

#[cfg(test)]
mod tests {
    use adit_proto::provider::SharedSecret;
    use bytes::Bytes;

    use super::*;
    use crate::provider::modp::{GROUP14, GROUP16};

    #[test]
    fn both_sides_come_to_the_same_secret_in_the_group_of_the_server() {
        let exchange = DhGroupExchange { moduli: OnceLock::from(Moduli::new("")) };
        let size = exchange.wanted();
        let group = exchange.choose(size).unwrap();
        assert_eq!(group, GROUP16.group());
        let [client, server] = [(); 2].map(|()| exchange.over(&group, size).unwrap());
        let initiator = client.initiate().unwrap();
        let (share, at_server) = server.respond(initiator.share()).unwrap();
        let secrets = [initiator.finish(&share).unwrap(), at_server].map(|secret| match secret {
            SharedSecret::Number(secret) => secret.expose().to_vec(),
            SharedSecret::Bytes(_) => panic!("a number is hashed as an mpint"),
        });
        assert_eq!(secrets[0], secrets[1]);
        assert_eq!(client.hash(&[]).len(), 32);
    }

    #[test]
    fn a_group_of_another_size_is_refused() {
        let exchange = DhGroupExchange::default();
        let size = |min, max| GroupSize { min, preferred: min, max };
        let group = GROUP14.group();
        assert!(exchange.over(&group, size(2048, 2048)).is_ok());
        for size in [size(2049, 8192), size(512, 2047)] {
            assert_eq!(exchange.over(&group, size).err(), Some(Failure::BadGroup));
        }
        let small = Group { prime: Bytes::from(vec![0xff; 128]), ..group };
        assert_eq!(exchange.over(&small, size(512, 8192)).err(), Some(Failure::BadGroup));
    }

    /// The file of this machine, where it has one.
    #[test]
    fn what_is_chosen_is_of_the_size_that_was_asked_for() {
        let exchange = DhGroupExchange::default();
        for preferred in [2048, 3072, 4096, 6144, 8192] {
            let size = GroupSize { min: 2048, preferred, max: 8192 };
            let group = exchange.choose(size).unwrap();
            // A file counts the bits from its own tests on, and may have one more or less.
            let bits = bits(&group.prime).unwrap();
            assert!((preferred..=preferred + 1).contains(&bits), "{bits} for {preferred}");
            assert!(exchange.over(&group, size).is_ok());
        }
    }

    #[test]
    fn chance_stays_within_the_count() {
        assert!(any_of(0).is_err());
        assert_eq!(any_of(1), Ok(0));
        assert!((0..100).all(|_| any_of(3).unwrap() < 3));
    }
}
