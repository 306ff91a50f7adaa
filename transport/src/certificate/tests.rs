use proptest::prelude::*;

use super::*;
use crate::provider;

const ED25519: &str = include_str!("../../testdata/certificates/ed25519.pub");
const NISTP256: &str = include_str!("../../testdata/certificates/nistp256.pub");
const NISTP384: &str = include_str!("../../testdata/certificates/nistp384.pub");
const NISTP521: &str = include_str!("../../testdata/certificates/nistp521.pub");
const RSA: &str = include_str!("../../testdata/certificates/rsa2048.pub");
const ED25519_KEY: &str = include_str!("../../testdata/keys/ed25519.pub");
const RSA_KEY: &str = include_str!("../../testdata/keys/rsa3072.pub");

const JANUARY_2026: u64 = 1_767_225_600;
const JANUARY_2030: u64 = 1_893_456_000;

fn certificate(text: &str) -> Certificate {
    Certificate::parse(text).unwrap().0
}

fn key(text: &str) -> PublicKey {
    PublicKey::parse(text.trim_end()).unwrap().0
}

fn check(certificate: &Certificate, user: &str, source: &str, now: u64) -> Result<(), Refused> {
    let source = source.parse().unwrap();
    certificate.check(&Occasion { principals: &[user], source, now })
}

#[test]
fn a_certificate_says_what_ssh_keygen_was_told() {
    let (certificate, comment) = Certificate::parse(ED25519).unwrap();
    assert_eq!(certificate.key(), &key(ED25519_KEY));
    assert_eq!(certificate.authority(), &key(RSA_KEY));
    assert_eq!(certificate.kind(), Kind::User);
    assert_eq!(certificate.serial(), u64::MAX);
    assert_eq!(certificate.key_id(), "ann at home");
    assert_eq!(certificate.principals(), ["ann", "ops"]);
    assert_eq!(certificate.validity(), Validity { after: JANUARY_2026, before: JANUARY_2030 });
    let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|it| it.parse().unwrap()).to_vec();
    assert_eq!(
        certificate.restrictions(),
        [Restriction::ForceCommand("/bin/true".to_owned()), Restriction::SourceAddress(networks)],
    );
    assert!(certificate.extensions().contains(&Extension::Other("x@example.com".to_owned())));
    assert!(certificate.permits_port_forwarding());
    assert_eq!(format!("{certificate} {comment}"), ED25519.trim_end());
}

#[test]
fn certificates_of_all_types_are_signed_by_authorities_of_all_types() {
    let provider = provider::default();
    for text in [ED25519, NISTP256, NISTP384, NISTP521, RSA] {
        assert_eq!(certificate(text).verify(&provider), Ok(()), "{text}");
    }
    assert_eq!(certificate(NISTP256).validity(), Validity { after: 0, before: u64::MAX });
    assert!(!certificate(NISTP384).permits_port_forwarding());
}

#[test]
fn a_certificate_holds_for_its_user_in_its_time_and_from_its_sources() {
    let certificate = certificate(ED25519);
    let in_time = JANUARY_2026 + 1;
    assert_eq!(check(&certificate, "ann", "10.1.2.3", in_time), Ok(()));
    assert_eq!(check(&certificate, "ops", "2001:db8::1", JANUARY_2026), Ok(()));
    assert_eq!(check(&certificate, "ann", "::ffff:10.1.2.3", JANUARY_2030 - 1), Ok(()));
    for (user, source, now, reason) in [
        ("ann", "10.1.2.3", JANUARY_2026 - 1, Refused::NotYet),
        ("ann", "10.1.2.3", JANUARY_2030, Refused::Expired),
        ("bob", "10.1.2.3", in_time, Refused::Principal),
        ("ann,ops", "10.1.2.3", in_time, Refused::Principal),
        ("", "10.1.2.3", in_time, Refused::Principal),
        ("ann", "11.1.2.3", in_time, Refused::Source),
        ("ann", "::1", in_time, Refused::Source),
    ] {
        assert_eq!(check(&certificate, user, source, now), Err(reason), "{user} {source} {now}");
    }
}

#[test]
fn a_certificate_is_refused_for_what_is_not_understood() {
    let unknown = Refused::Unsupported("new@example.com".to_owned());
    assert_eq!(check(&certificate(NISTP384), "ann", "::1", 1), Err(unknown));
    assert_eq!(check(&certificate(RSA), "db.example", "::1", 1), Err(Refused::NotAUsers));
}

#[test]
fn what_is_no_certificate_is_refused_with_its_cause() {
    for (text, cause) in [
        ("", Invalid::Malformed),
        ("ssh-ed25519-cert-v01@openssh.com", Invalid::Malformed),
        ("ssh-ed25519-cert-v01@openssh.com A*", Invalid::Malformed),
        (ED25519_KEY, Invalid::Type),
        (&ED25519.replacen("ssh-ed25519", "ssh-rsa", 1), Invalid::Malformed),
    ] {
        assert_eq!(Certificate::parse(text), Err(cause), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_truncation_is_an_error(at in 0_usize..900) {
        let whole = certificate(ED25519).wire().clone();
        prop_assume!(at < whole.len());
        prop_assert!(Certificate::from_wire(whole.slice(..at)).is_err());
    }

    #[test]
    fn a_change_anywhere_is_found(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let mut wire = certificate(NISTP256).wire().to_vec();
        *at.get_mut(&mut wire) ^= flip;
        if let Ok(changed) = Certificate::from_wire(wire.into()) {
            prop_assert!(changed.verify(&provider::default()).is_err());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        text in ".{0,80}",
    ) {
        let mut wire = certificate(NISTP256).wire()[..100].to_vec();
        wire.extend_from_slice(&bytes);
        let _ = Certificate::from_wire(wire.into());
        let _ = Certificate::from_wire(bytes.into());
        let _ = Certificate::parse(&text);
    }
}
