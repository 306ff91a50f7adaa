//! Who may log in.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use adit_transport::authorized_keys::Refused as BadOption;
use adit_transport::certificate::{self, Certificate, Occasion};
use adit_transport::provider;
use adit_transport::public_key::PublicKey;
use adit_transport::revocation::Revocation;

use crate::certified::Certified;
use crate::credential::Credential;
use crate::demand::{Demand, Touch, Verification};
use crate::key_line::Position;
use crate::login::Login;
use crate::terms::{Role, Terms};
use crate::user::User;

/// The methods by which users log in, the same for all and for those that there are not: a client
/// learns from them nothing about anybody.
pub const METHODS: [&str; 1] = ["publickey"];

/// The longest name of a user that need not be known, in bytes: as systems have it.
const LONGEST_NAME: usize = 255;

/// All users, and the keys that are good for nobody any more.
#[derive(Debug, Clone, Default)]
pub struct Register {
    users: HashMap<Arc<str>, Arc<User>>,
    /// Whoever is none of these.
    anybody: Option<Arc<User>>,
    revoked: Revocation,
}

impl Register {
    /// These users, of whom no two have one name, and what is revoked: keys of users and of
    /// authorities, and certificates.
    pub fn new(users: impl IntoIterator<Item = User>, revoked: Revocation) -> Self {
        let users = users.into_iter().map(|user| (user.name.clone(), Arc::new(user))).collect();
        Self { users, anybody: None, revoked }
    }

    /// Everybody is this user, by the same keys, under whatever name they log in.
    pub fn anybody(user: User) -> Self {
        Self { anybody: Some(Arc::new(user)), ..Self::default() }
    }

    /// The user who logs in by this name.
    pub fn find(&self, name: &str) -> Option<Arc<User>> {
        if let Some(user) = self.users.get(name) {
            return Some(user.clone());
        }
        let fit = (1..=LONGEST_NAME).contains(&name.len()) && !name.contains(char::is_control);
        let anybody = self.anybody.as_deref().filter(|_| fit)?;
        let principals = vec![name.to_owned()];
        Some(Arc::new(User { name: name.into(), principals, ..anybody.clone() }))
    }

    /// The user of this name.
    pub fn user(&self, name: &str) -> Option<&Arc<User>> {
        self.users.get(name)
    }

    /// All users, in no order.
    pub fn users(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.values()
    }

    /// Lets a user in who comes from `source` at `now` with a key that is proved to be its own, or
    /// that is to be proved next.
    ///
    /// Of several lines with one key, the first that lets it in counts. Of a certificate the
    /// signature is verified, which takes up to 0.1 ms.
    ///
    /// # Errors
    /// [`Denied`]. The reason is for the log: a client is told no more than that it was refused.
    pub fn admit(
        &self,
        user: &str,
        credential: &Arc<Credential>,
        source: IpAddr,
        now: SystemTime,
    ) -> Result<Login, Denied> {
        let user = self.find(user).ok_or(Denied::User)?;
        let visit = Visit { user: &user, source: source.to_canonical(), now };
        let revoked = match &**credential {
            Credential::Key(key) => self.revoked.has_key(key),
            Credential::Certificate(certificate) => self.revoked.has_certificate(certificate),
        };
        if revoked {
            return Err(Denied::Revoked);
        }
        let admitted = match &**credential {
            Credential::Key(key) => visit.by_key(key)?,
            Credential::Certificate(certificate) => visit.by_certificate(certificate)?,
        };
        Ok(Login { credential: Some(credential.clone()), ..admitted })
    }
}

/// Somebody at the door.
struct Visit<'a> {
    user: &'a Arc<User>,
    source: IpAddr,
    now: SystemTime,
}

impl Visit<'_> {
    fn by_key(&self, key: &PublicKey) -> Result<Login, Denied> {
        let mut denied = Denied::Key;
        for line in self.user.keys.iter().filter(|line| line.key == *key) {
            let checked = match &line.terms {
                Ok(terms) if terms.role == Role::Authority => Err(Reason::Authority),
                Ok(terms) => self.check(terms).map(|()| terms),
                Err(option) => Err(Reason::Option(option.clone())),
            };
            match checked {
                Ok(terms) => return Ok(self.login(terms)),
                Err(reason) if denied == Denied::Key => {
                    denied = Denied::Line { position: line.position.clone(), reason };
                }
                Err(_) => {}
            }
        }
        Err(denied)
    }

    fn by_certificate(&self, certificate: &Certificate) -> Result<Login, Denied> {
        let authority = certificate.authority();
        let configured = self.user.authorities.iter().find(|it| it.keys.contains(authority));
        let mut denied = Denied::UnknownAuthority;
        if let Some(configured) = configured {
            match self.certified(certificate, &self.user.principals, &Arc::default()) {
                Ok(login) => {
                    let demand = of_certificate(certificate);
                    return Ok(Login { demand, authority: Some(configured.name.clone()), ..login });
                }
                Err(reason) => denied = Denied::Certificate(reason),
            }
        }
        let own_name = [self.user.name.to_string()];
        for line in self.user.keys.iter().filter(|line| line.key == *authority) {
            let Ok(terms) = &line.terms else { continue };
            if terms.role != Role::Authority {
                continue;
            }
            let principals = terms.principals.as_deref().unwrap_or(&own_name);
            let checked =
                self.check(terms).and_then(|()| self.certified(certificate, principals, terms));
            match checked {
                Ok(login) => return Ok(login),
                Err(reason) if denied == Denied::UnknownAuthority => {
                    denied = Denied::Line { position: line.position.clone(), reason };
                }
                Err(_) => {}
            }
        }
        Err(denied)
    }

    /// Checks what the options of a line say about where and when.
    fn check(&self, terms: &Terms) -> Result<(), Reason> {
        if terms.expiry.is_some_and(|expiry| self.now >= expiry) {
            return Err(Reason::Expired);
        }
        if terms.permits_source(self.source) { Ok(()) } else { Err(Reason::Source) }
    }

    fn certified(
        &self,
        certificate: &Certificate,
        principals: &[String],
        terms: &Arc<Terms>,
    ) -> Result<Login, Reason> {
        let since = self.now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let occasion = Occasion { principals, source: self.source, now: since.as_secs() };
        certificate.check(&occasion)?;
        certificate.verify(&provider::default()).map_err(|_| Reason::Signature)?;
        let mut login = self.login(terms);
        login.demand = login.demand.and(of_certificate(certificate));
        login.certified = Certified::of(certificate);
        let forced = login.terms.command.as_ref().zip(login.certified.command.as_ref());
        if forced.is_some_and(|(key, certificate)| key != certificate) {
            return Err(Reason::Commands);
        }
        // One that is valid for ever ends after the last time that there is.
        let end = UNIX_EPOCH.checked_add(Duration::from_secs(certificate.validity().before));
        login.until = [login.until, end].into_iter().flatten().min();
        Ok(login)
    }

    fn login(&self, terms: &Arc<Terms>) -> Login {
        let supposed = Login::supposed(self.user.clone(), self.source);
        Login { until: terms.expiry, demand: terms.demand, terms: terms.clone(), ..supposed }
    }
}

/// What a certificate demands of signatures by its key.
fn of_certificate(certificate: &Certificate) -> Demand {
    let waived = certificate.waives_touch();
    let required = certificate.requires_verification();
    Demand {
        touch: if waived { Touch::Waived } else { Touch::Required },
        verification: if required { Verification::Required } else { Verification::Optional },
    }
}

/// Why a user is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is no such user.
    #[error("there is no such user")]
    User,
    /// The key or the certificate, or the key of the authority, is revoked.
    #[error("the key is revoked")]
    Revoked,
    /// The user has no such key.
    #[error("the key is none of the user's")]
    Key,
    /// No authority that the user believes has signed the certificate.
    #[error("the certificate is signed by no authority of the user")]
    UnknownAuthority,
    /// A line of `authorized_keys` has the key and does not let it in.
    #[error("{position}: {reason}")]
    Line {
        /// The line.
        position: Position,
        /// Why.
        reason: Reason,
    },
    /// A certificate of an authority that the user believes does not let it in.
    #[error(transparent)]
    Certificate(Reason),
}

/// Why a key or a certificate does not let its holder in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// An option is not understood.
    #[error(transparent)]
    Option(BadOption),
    /// `expiry-time`.
    #[error("the key has expired")]
    Expired,
    /// `from`.
    #[error("the key is not for this source address")]
    Source,
    /// `cert-authority`.
    #[error("the key signs certificates and does not log in")]
    Authority,
    /// What the certificate says.
    #[error(transparent)]
    Certificate(#[from] certificate::Refused),
    /// `command` and `force-command`.
    #[error("the key's options and the certificate force different commands")]
    Commands,
    /// Somebody else has made it, or altered it.
    #[error("the certificate's signature does not verify")]
    Signature,
}

#[cfg(test)]
mod tests {
    use adit_transport::authorized_keys::AuthorizedKeys;
    use adit_transport::authorized_keys::option::Grant;

    use super::*;
    use crate::calendar::zone::Zone;
    use crate::key_line::KeyLine;
    use crate::terms::expiry;
    use crate::user::{Authority, Privilege};

    const KEY: &str = include_str!("../../transport/testdata/keys/nistp256.pub");
    const CERTIFICATE: &str = include_str!("../../transport/testdata/certificates/nistp256.pub");
    const AUTHORITY: &str = include_str!("../../transport/testdata/keys/ed25519.pub");
    const TIMED: &str = include_str!("../../transport/testdata/certificates/ed25519.pub");
    const RSA: &str = include_str!("../../transport/testdata/keys/rsa3072.pub");

    fn key(text: &str) -> PublicKey {
        PublicKey::parse(text.trim_end()).unwrap().0
    }

    fn plain(text: &str) -> Arc<Credential> {
        Arc::new(Credential::Key(key(text)))
    }

    fn certificate(text: &str) -> Arc<Credential> {
        Arc::new(Credential::Certificate(Box::new(Certificate::parse(text).unwrap().0)))
    }

    fn ann(lines: &str, authorities: &[&str]) -> User {
        let keys = AuthorizedKeys::parse(lines, "keys");
        let authority = |text: &&str| Authority { name: "corp".into(), keys: vec![key(text)] };
        User {
            name: "ann".into(),
            groups: Vec::new(),
            keys: KeyLine::of(&keys, "keys", Zone::UTC),
            authorities: authorities.iter().map(|it| Arc::new(authority(it))).collect(),
            principals: vec!["ann".to_owned()],
            privilege: Privilege::Ordinary,
            account: None,
        }
    }

    fn admit(user: User, credential: &Arc<Credential>) -> Result<Login, String> {
        let now = expiry::parse("20270101", Zone::UTC).unwrap();
        let source = "::ffff:10.0.0.9".parse().unwrap();
        let admitted =
            Register::new([user], Revocation::default()).admit("ann", credential, source, now);
        admitted.map_err(|denied| denied.to_string())
    }

    #[test]
    fn a_user_comes_in_by_its_own_key() {
        let login = admit(ann(&format!("restrict {KEY}"), &[]), &plain(KEY)).unwrap();
        assert_eq!((&*login.user.name, login.source.to_string()), ("ann", "10.0.0.9".to_owned()));
        assert_eq!((login.terms.forwarding, login.until), (Grant::Denied, None));
        assert_eq!(login.fingerprint(), Some(key(KEY).fingerprint().to_string()));
        let denied = admit(ann(KEY, &[]), &plain(RSA)).unwrap_err();
        assert_eq!(denied, "the key is none of the user's");
        let nobody = Register::new([ann(KEY, &[])], Revocation::default());
        let now = UNIX_EPOCH;
        let admitted = nobody.admit("bob", &plain(KEY), [10, 0, 0, 9].into(), now);
        assert_eq!(admitted.unwrap_err(), Denied::User);
    }

    #[test]
    fn the_first_line_that_lets_the_key_in_counts() {
        let lines = format!(
            "from=\"192.0.2.1\" {KEY}expiry-time=\"20260101\" {KEY}new-option {KEY}\
             restrict,expiry-time=\"20280101\" {KEY}{KEY}",
        );
        let login = admit(ann(&lines, &[]), &plain(KEY)).unwrap();
        assert_eq!(login.terms.forwarding, Grant::Denied);
        assert_eq!(login.until, expiry::parse("20280101", Zone::UTC));
    }

    #[test]
    fn where_no_line_lets_the_key_in_the_first_says_why() {
        for (options, told) in [
            ("from=\"192.0.2.1\"", "keys:1: the key is not for this source address"),
            ("expiry-time=\"20270101\"", "keys:1: the key has expired"),
            ("new-option", "keys:1: the option new-option is not supported"),
            ("cert-authority", "keys:1: the key signs certificates and does not log in"),
        ] {
            let lines = format!("{options} {KEY}expiry-time=\"20200101\" {KEY}");
            assert_eq!(admit(ann(&lines, &[]), &plain(KEY)).unwrap_err(), told);
        }
    }

    #[test]
    fn a_certificate_of_a_configured_authority_lets_its_principals_in() {
        let login = admit(ann("", &[AUTHORITY]), &certificate(CERTIFICATE)).unwrap();
        assert_eq!(login.authority.as_deref(), Some("corp"));
        assert_eq!((login.certified.forwarding, login.until), (Grant::Allowed, None));
        let mut user = ann("", &[AUTHORITY]);
        user.principals = vec!["root".to_owned()];
        let denied = admit(user, &certificate(CERTIFICATE)).unwrap_err();
        assert_eq!(denied, "the certificate is not for this user");
        let denied = admit(ann("", &[RSA]), &certificate(CERTIFICATE)).unwrap_err();
        assert_eq!(denied, "the certificate is signed by no authority of the user");
    }

    #[test]
    fn a_certificate_ends_the_login_with_itself() {
        let login = admit(ann("", &[RSA]), &certificate(TIMED)).unwrap();
        assert_eq!(login.until, expiry::parse("20300101", Zone::UTC));
        let lines = format!("cert-authority,expiry-time=\"20280101\" {RSA}");
        let login = admit(ann(&lines, &[]), &certificate(TIMED)).unwrap();
        assert_eq!(login.until, expiry::parse("20280101", Zone::UTC));
    }

    #[test]
    fn an_authority_of_a_line_is_bound_by_its_options() {
        let by = |options: &str| {
            admit(ann(&format!("{options} {AUTHORITY}"), &[]), &certificate(CERTIFICATE))
        };
        assert_eq!(by("cert-authority,restrict").unwrap().terms.forwarding, Grant::Denied);
        assert!(by("cert-authority,principals=\"root,ann\"").is_ok());
        for (options, told) in [
            ("", "the certificate is signed by no authority of the user"),
            ("cert-authority,principals=\"root\"", "keys:1: the certificate is not for this user"),
            ("cert-authority,from=\"::1\"", "keys:1: the key is not for this source address"),
            ("cert-authority,expiry-time=\"20260101\"", "keys:1: the key has expired"),
        ] {
            assert_eq!(by(options).unwrap_err(), told, "{options}");
        }
    }

    #[test]
    fn a_certificate_that_was_altered_lets_nobody_in() {
        let mut wire = Certificate::parse(CERTIFICATE).unwrap().0.wire().to_vec();
        let last = wire.len() - 1;
        wire[last] ^= 1;
        let altered = Arc::new(Credential::from_wire(wire.into()).unwrap());
        let denied = admit(ann("", &[AUTHORITY]), &altered).unwrap_err();
        assert_eq!(denied, "the certificate's signature does not verify");
    }

    #[test]
    fn a_certificate_does_not_let_its_key_in_by_itself() {
        let denied = admit(ann(KEY, &[]), &certificate(CERTIFICATE)).unwrap_err();
        assert_eq!(denied, "the certificate is signed by no authority of the user");
    }

    #[test]
    fn anybody_is_let_in_by_the_same_keys_and_keeps_the_name() {
        let lines = format!("{}\ncert-authority {RSA}", KEY.trim_end());
        let register = Register::anybody(ann(&lines, &[]));
        let (from, now) = ([10, 0, 0, 9].into(), expiry::parse("20270101", Zone::UTC).unwrap());
        let admit =
            |name: &str, credential: &Arc<Credential>| register.admit(name, credential, from, now);
        assert_eq!(&*admit("bob", &plain(KEY)).unwrap().user.name, "bob");
        assert_eq!(
            admit("bob", &plain(RSA)).unwrap_err(),
            Denied::Line {
                position: Position { file: "keys".into(), line: 2 },
                reason: Reason::Authority,
            }
        );
        assert!(admit("ann", &certificate(TIMED)).is_ok());
        assert!(admit("bob", &certificate(TIMED)).is_err(), "it is not bob's");
        for name in ["", "a\nb", &"a".repeat(256)] {
            assert_eq!(admit(name, &plain(KEY)).unwrap_err(), Denied::User);
        }
    }

    #[test]
    fn revoked_keys_let_nobody_in_and_certify_nobody() {
        let admit = |revoked: &str, credential: &Arc<Credential>| {
            let mut list = Revocation::default();
            list.add(&key(revoked));
            let register = Register::new([ann(KEY, &[AUTHORITY])], list);
            register.admit("ann", credential, [10, 0, 0, 9].into(), UNIX_EPOCH).map(drop)
        };
        assert_eq!(admit(KEY, &plain(KEY)), Err(Denied::Revoked));
        assert_eq!(admit(KEY, &certificate(CERTIFICATE)), Err(Denied::Revoked));
        assert_eq!(admit(AUTHORITY, &certificate(CERTIFICATE)), Err(Denied::Revoked));
        assert_eq!(admit(RSA, &plain(KEY)), Ok(()));
    }
}
