//! What the core tells its user.

use bytes::Bytes;

use crate::ident::Identification;
use crate::kex::proposal::Agreement;
use crate::message::connection::ConnectionMessage;
use crate::message::ext_info::ExtInfo;
use crate::message::userauth_interactive::UserauthInfoRequest;
use crate::name::NameList;
use crate::provider::Presence;
use crate::secret::Secret;

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The peer has said who it is.
    Identified(Identification),
    /// A client must say whether it trusts this host key, by
    /// [`trust`](crate::connection::Connection::trust). Nothing is read until then.
    HostKey(HostProof),
    /// Keys were exchanged for the first time.
    Agreed(Agreement),
    /// The user must sign, and answer by
    /// [`provide_signature`](crate::connection::Connection::provide_signature).
    Sign(SignRequest),
    /// The peer has told what extensions it has.
    Extensions(ExtInfo),
    /// A server shows words before login, with control characters escaped.
    Banner(String),
    /// A client may try to log in, by
    /// [`authenticate`](crate::connection::Connection::authenticate).
    Authenticate(Invitation),
    /// A server would take a signature by the key that was offered last.
    KeyAccepted,
    /// A server asks its user, who answers by
    /// [`respond`](crate::connection::Connection::respond).
    Asked(UserauthInfoRequest),
    /// A server wants the user to have another password; the words are the server's, with
    /// control characters escaped. [`authenticate`](crate::connection::Connection::authenticate)
    /// with the old and a new one, or by another method.
    ChangePassword(String),
    /// A client wants to log in; a server must answer by
    /// [`decide`](crate::connection::Connection::decide). Nothing is read until then.
    Login(LoginRequest),
    /// The user is logged in: messages of the connection protocol may be sent and will come.
    Authenticated,
    /// A message of the connection protocol.
    Message(ConnectionMessage),
}

/// A server's proof that it has a host key: its signature over the hash of the first key exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostProof {
    /// The key, or a certificate of it, as on the wire.
    pub key: Bytes,
    /// The signature algorithm that was used.
    pub algorithm: String,
    /// The exchange hash, which is the session identifier.
    pub hash: Bytes,
    /// The signature as on the wire, which verifies.
    pub signature: Bytes,
}

/// What is to be signed. The core has no private keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignRequest {
    /// The public half of the key, as on the wire.
    pub key: Bytes,
    /// The signature algorithm.
    pub algorithm: String,
    /// What is signed.
    pub data: Bytes,
}

/// Why a client may try to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invitation {
    /// Nothing was tried yet.
    First,
    /// What was tried did not suffice.
    Again {
        /// The methods that can go on.
        methods: NameList,
        /// Whether what was tried succeeded and more is wanted.
        partial_success: bool,
    },
}

/// How a client tries to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// Not at all; asks which methods there are.
    None,
    /// Asks whether a signature by this key would be taken. The answer is
    /// [`Event::KeyAccepted`] or [`Event::Authenticate`].
    Offer {
        /// The public key as on the wire.
        key: Bytes,
        /// The signature algorithm.
        algorithm: String,
    },
    /// By this key: [`Event::Sign`] follows.
    PublicKey {
        /// The public key as on the wire.
        key: Bytes,
        /// The signature algorithm.
        algorithm: String,
    },
    /// By a password.
    Password {
        /// The password.
        password: Secret,
        /// The password that it is to become.
        new_password: Option<Secret>,
    },
    /// By answers; [`Event::Asked`] follows.
    KeyboardInteractive,
}

/// A login that a server must decide on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRequest {
    /// The user's name. It may change from request to request.
    pub user: String,
    /// How the user proves who it is.
    pub method: LoginMethod,
}

/// How a user proves who it is, as a server sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginMethod {
    /// Not at all.
    None,
    /// By this key.
    PublicKey {
        /// The public key as on the wire.
        key: Bytes,
        /// The signature algorithm.
        algorithm: String,
        /// Whether the user has shown to have it.
        proof: Proof,
    },
    /// By a password.
    Password {
        /// The password.
        password: Secret,
        /// The password that it is to become.
        new_password: Option<Secret>,
    },
    /// By answers: [`Decision::Ask`] asks.
    KeyboardInteractive,
    /// The answers to what was asked last.
    Answers(Vec<Secret>),
}

/// Whether a user has shown to have a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Not yet: the request asks whether a signature would be taken.
    None,
    /// The signature verifies. Where a security key made it, it says whether its holder was there;
    /// whether that is asked for is for the user of the core to know.
    Verified(Option<Presence>),
}

/// A server's answer to a [`LoginRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// The user is logged in, or for a key without proof: a signature would be taken.
    Accept,
    /// The request succeeded, and one of these methods must too.
    Partial {
        /// The methods that can go on.
        methods: NameList,
    },
    /// The request is refused.
    Refuse {
        /// The methods that can go on.
        methods: NameList,
    },
    /// For [`LoginMethod::KeyboardInteractive`] and [`LoginMethod::Answers`]: the user must
    /// answer these.
    Ask(UserauthInfoRequest),
    /// For [`LoginMethod::Password`]: the user must have another password. The words are for
    /// the user.
    ChangePassword(String),
}
