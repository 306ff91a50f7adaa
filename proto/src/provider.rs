//! The cryptography that the core calls on, as traits that its user fills.
//!
//! The core knows what is hashed, signed and sealed and in which order; it knows no
//! algorithm. A [`Provider`] names the algorithms that there are, in the order in
//! which they are preferred. Private keys never pass through it: what must be signed
//! leaves the core as an event.

use std::fmt;

use bytes::Bytes;

use crate::secret::Secret;

/// The algorithms at hand. The order of each list is the order of preference.
#[derive(Debug)]
pub struct Provider {
    /// The source of randomness.
    pub random: Box<dyn Random>,
    /// Key exchange methods, [RFC 4253 section 8](https://www.rfc-editor.org/rfc/rfc4253#section-8).
    pub exchanges: Vec<Box<dyn KeyExchange>>,
    /// Key exchange methods whose group is agreed on first,
    /// [RFC 4419](https://www.rfc-editor.org/rfc/rfc4419). They stand behind the others.
    pub group_exchanges: Vec<Box<dyn GroupExchange>>,
    /// Packet ciphers that protect integrity themselves,
    /// [RFC 4253 section 6.3](https://www.rfc-editor.org/rfc/rfc4253#section-6.3).
    pub ciphers: Vec<Box<dyn Cipher>>,
    /// Ciphers that go with a MAC. They stand behind the others.
    pub stream_ciphers: Vec<Box<dyn StreamCipher>>,
    /// Message authentication codes,
    /// [RFC 4253 section 6.4](https://www.rfc-editor.org/rfc/rfc4253#section-6.4).
    pub macs: Vec<Box<dyn Mac>>,
    /// Compression methods beside `none`,
    /// [RFC 4253 section 6.2](https://www.rfc-editor.org/rfc/rfc4253#section-6.2).
    pub compressions: Vec<Box<dyn Compression>>,
    /// Signature algorithms, [RFC 4253 section 6.6](https://www.rfc-editor.org/rfc/rfc4253#section-6.6).
    pub verifiers: Vec<Box<dyn Verify>>,
}

impl Provider {
    /// The key exchange method of this name.
    pub fn exchange(&self, name: &str) -> Option<&dyn KeyExchange> {
        self.exchanges.iter().map(AsRef::as_ref).find(|it| it.name() == name)
    }

    /// The key exchange method of this name whose group is agreed on first.
    pub fn group_exchange(&self, name: &str) -> Option<&dyn GroupExchange> {
        self.group_exchanges.iter().map(AsRef::as_ref).find(|it| it.name() == name)
    }

    /// The cipher of this name that protects integrity itself.
    pub fn cipher(&self, name: &str) -> Option<&dyn Cipher> {
        self.ciphers.iter().map(AsRef::as_ref).find(|it| it.name() == name)
    }

    /// The cipher of this name that goes with a MAC.
    pub fn stream_cipher(&self, name: &str) -> Option<&dyn StreamCipher> {
        self.stream_ciphers.iter().map(AsRef::as_ref).find(|it| it.name() == name)
    }

    /// The MAC of this name.
    pub fn mac(&self, name: &str) -> Option<&dyn Mac> {
        self.macs.iter().map(AsRef::as_ref).find(|it| it.name() == name)
    }

    /// The compression method of this name.
    pub fn compression(&self, name: &str) -> Option<&dyn Compression> {
        self.compressions.iter().map(AsRef::as_ref).find(|it| it.name() == name)
    }

    /// The signature algorithm of this name.
    pub fn verifier(&self, name: &str) -> Option<&dyn Verify> {
        self.verifiers.iter().map(AsRef::as_ref).find(|it| it.name() == name)
    }
}

/// Why a provider could not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The peer's share of a key exchange is not one: a wrong length, a point off the
    /// curve, or an all-zero result.
    BadShare,
    /// No group of the size that the peer wants is to be had, or the group that it sent is not
    /// one or not of the size that was asked for.
    BadGroup,
    /// A public key cannot be read, or is not of the type that the algorithm takes.
    BadKey,
    /// A public key is of a size that is not taken: too weak, or too costly.
    KeySize,
    /// A signature does not verify.
    BadSignature,
    /// A packet's tag does not match: it was altered, or the keys differ.
    BadTag,
    /// What the peer compressed cannot be decompressed, or becomes larger than any packet.
    BadCompression,
    /// The cryptographic library failed for a reason of its own, for instance no randomness.
    Internal,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadShare => "the peer's key exchange share is invalid",
            Self::BadGroup => "no group of a fit size for the key exchange",
            Self::BadKey => "the public key is invalid",
            Self::KeySize => "the public key is of a size that is not taken",
            Self::BadSignature => "the signature does not verify",
            Self::BadTag => "a packet's integrity check failed",
            Self::BadCompression => "compressed data are invalid or become too large",
            Self::Internal => "the cryptographic library failed",
        })
    }
}

impl std::error::Error for Failure {}

/// A source of bytes that nobody can guess.
pub trait Random: fmt::Debug + Send + Sync {
    /// Fills `out`.
    ///
    /// # Errors
    /// [`Failure::Internal`] where the system has no randomness to give.
    fn fill(&self, out: &mut [u8]) -> Result<(), Failure>;
}

/// A key exchange method: how two sides come to one secret, and the hash it goes with.
///
/// One share travels each way, in SSH_MSG_KEX_ECDH_INIT and SSH_MSG_KEX_ECDH_REPLY or the
/// messages of the same form: a Diffie-Hellman value, a curve point, a key-encapsulation
/// public key or ciphertext. The two sides differ, so that key encapsulation fits.
pub trait KeyExchange: fmt::Debug + Send + Sync {
    /// The method's name, for instance `curve25519-sha256`.
    fn name(&self) -> &'static str;

    /// Begins at the client: makes an ephemeral key.
    ///
    /// # Errors
    /// [`Failure::Internal`].
    fn initiate(&self) -> Result<Box<dyn Initiator>, Failure>;

    /// Answers at the server: makes the share that answers `client_share`, and the secret.
    ///
    /// # Errors
    /// [`Failure::BadShare`], [`Failure::Internal`].
    fn respond(&self, client_share: &[u8]) -> Result<(Vec<u8>, SharedSecret), Failure>;

    /// When it is offered.
    fn standing(&self) -> Standing {
        Standing::Usual
    }

    /// The method's hash over the parts, one after another.
    fn hash(&self, parts: &[&[u8]]) -> Secret;
}

/// The client's half of a key exchange under way: an ephemeral key to be used once.
pub trait Initiator: Send {
    /// The share to send.
    fn share(&self) -> &[u8];

    /// Takes the server's share and yields the secret.
    ///
    /// # Errors
    /// [`Failure::BadShare`], [`Failure::Internal`].
    fn finish(self: Box<Self>, server_share: &[u8]) -> Result<SharedSecret, Failure>;
}

/// What both sides of a key exchange know and nobody else, called K in
/// [RFC 4253 section 7.2](https://www.rfc-editor.org/rfc/rfc4253#section-7.2).
#[derive(Debug)]
pub enum SharedSecret {
    /// A number, big-endian without sign, hashed as an `mpint`
    /// ([RFC 5656 section 4](https://www.rfc-editor.org/rfc/rfc5656#section-4)).
    Number(Secret),
    /// Bytes, hashed as a `string`, as the hybrid post-quantum methods have it
    /// ([draft-ietf-sshm-mlkem-hybrid-kex](https://datatracker.ietf.org/doc/draft-ietf-sshm-mlkem-hybrid-kex/)).
    Bytes(Secret),
}

/// When an algorithm is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// By whoever does not say otherwise.
    Usual,
    /// So at clients; by servers only where it is named, since it costs a server much that
    /// anybody may ask of it.
    Client,
    /// Only where it is named: it is weaker than what is usual.
    Named,
}

/// A key exchange method whose group the client asks for and the server chooses,
/// [RFC 4419 section 3](https://www.rfc-editor.org/rfc/rfc4419#section-3).
pub trait GroupExchange: fmt::Debug + Send + Sync {
    /// The method's name, for instance `diffie-hellman-group-exchange-sha256`.
    fn name(&self) -> &'static str;

    /// When it is offered.
    fn standing(&self) -> Standing;

    /// The sizes that a client asks for.
    fn wanted(&self) -> GroupSize;

    /// Chooses a group at the server.
    ///
    /// # Errors
    /// [`Failure::BadGroup`] where there is none of these sizes.
    fn choose(&self, size: GroupSize) -> Result<Group, Failure>;

    /// The method over this group, which the server chose for these sizes.
    ///
    /// # Errors
    /// [`Failure::BadGroup`] where it is none, or of another size.
    fn over(&self, group: &Group, size: GroupSize) -> Result<Box<dyn KeyExchange>, Failure>;
}

/// How large a group shall be, in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupSize {
    /// At least.
    pub min: u32,
    /// At best.
    pub preferred: u32,
    /// At most.
    pub max: u32,
}

/// A group of numbers, its parts big-endian without sign and without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The safe prime, p.
    pub prime: Bytes,
    /// The generator, g.
    pub generator: Bytes,
}

/// A packet cipher that also protects integrity.
pub trait Cipher: fmt::Debug + Send + Sync {
    /// The cipher's name, for instance `aes128-gcm@openssh.com`.
    fn name(&self) -> &'static str;

    /// The length of the key in bytes.
    fn key_len(&self) -> usize;

    /// The length of the initial IV in bytes; 0 where the cipher takes none.
    fn iv_len(&self) -> usize;

    /// A sealer with this key and initial IV, of exactly the lengths above.
    ///
    /// # Errors
    /// [`Failure::Internal`] where a length is wrong.
    fn sealer(&self, key: &Secret, iv: &Secret) -> Result<Box<dyn Seal>, Failure>;

    /// An opener with this key and initial IV, of exactly the lengths above.
    ///
    /// # Errors
    /// [`Failure::Internal`] where a length is wrong.
    fn opener(&self, key: &Secret, iv: &Secret) -> Result<Box<dyn Open>, Failure>;
}

/// A cipher that conceals packets by a stream of keys and does not protect their integrity: a
/// [`Mac`] goes with it.
pub trait StreamCipher: fmt::Debug + Send + Sync {
    /// The cipher's name, for instance `aes128-ctr`.
    fn name(&self) -> &'static str;

    /// The length of the key in bytes.
    fn key_len(&self) -> usize;

    /// The length of a block in bytes, and of the initial IV.
    fn block_len(&self) -> usize;

    /// The stream that begins with this key and initial IV, of exactly the lengths above.
    ///
    /// # Errors
    /// [`Failure::Internal`] where a length is wrong.
    fn keystream(&self, key: &Secret, iv: &Secret) -> Result<Box<dyn Keystream>, Failure>;
}

/// A stream of keys, which goes on from packet to packet.
pub trait Keystream: Send {
    /// Encrypts or decrypts `bytes` by the next so many keys of the stream.
    ///
    /// # Errors
    /// [`Failure::Internal`] where the stream is used up.
    fn apply(&mut self, bytes: &mut [u8]) -> Result<(), Failure>;
}

/// A message authentication code.
pub trait Mac: fmt::Debug + Send + Sync {
    /// The name, for instance `hmac-sha2-256-etm@openssh.com`.
    fn name(&self) -> &'static str;

    /// The length of the key in bytes.
    fn key_len(&self) -> usize;

    /// The length of the tag in bytes.
    fn tag_len(&self) -> usize;

    /// What the tag is over.
    fn order(&self) -> MacOrder;

    /// When it is offered.
    fn standing(&self) -> Standing {
        Standing::Usual
    }

    /// An authenticator with this key, of exactly the length above.
    ///
    /// # Errors
    /// [`Failure::Internal`] where the length is wrong.
    fn authenticator(&self, key: &Secret) -> Result<Box<dyn Authenticate>, Failure>;
}

/// What the tag of a MAC is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacOrder {
    /// The packet as it was before it was encrypted, its length field with it
    /// ([RFC 4253 section 6.4](https://www.rfc-editor.org/rfc/rfc4253#section-6.4)).
    EncryptAndMac,
    /// The packet as it is sent; the length field is not encrypted
    /// ([PROTOCOL section 1.5](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL)).
    EncryptThenMac,
}

/// A MAC with its key.
pub trait Authenticate: Send {
    /// Writes the tag over the sequence number and the packet, of [`Mac::tag_len`] bytes.
    ///
    /// # Errors
    /// [`Failure::Internal`] where `tag` has another length.
    fn tag(&self, sequence: u32, packet: &[u8], tag: &mut [u8]) -> Result<(), Failure>;

    /// Checks the tag. The time that it takes does not depend on how much of it is right.
    ///
    /// # Errors
    /// [`Failure::BadTag`].
    fn verify(&self, sequence: u32, packet: &[u8], tag: &[u8]) -> Result<(), Failure>;
}

/// A compression method that begins when the user is logged in, as that of
/// [draft-miller-secsh-compression-delayed](https://datatracker.ietf.org/doc/html/draft-miller-secsh-compression-delayed-00)
/// does: nobody unknown can feed the decompressor.
pub trait Compression: fmt::Debug + Send + Sync {
    /// The name, for instance `zlib@openssh.com`.
    fn name(&self) -> &'static str;

    /// The outgoing half.
    fn compressor(&self) -> Box<dyn Compress>;

    /// The incoming half.
    fn decompressor(&self) -> Box<dyn Decompress>;
}

/// The outgoing half of a compression. What it has learned goes from payload to payload.
pub trait Compress: Send {
    /// Appends to `out` all that makes up `payload`.
    ///
    /// # Errors
    /// [`Failure::Internal`].
    fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Failure>;
}

/// The incoming half of a compression.
pub trait Decompress: Send {
    /// Appends to `out` the payload that was compressed, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`Failure::BadCompression`] where it is longer, or is not what a compressor made.
    fn decompress(
        &mut self,
        compressed: &[u8],
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure>;
}

/// The form that a cipher gives to packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// What the length of a packet must be a multiple of, at least 8.
    pub block: usize,
    /// Whether that multiple counts the four bytes of the length field.
    pub alignment: Alignment,
    /// The length of the tag behind the packet.
    pub tag: usize,
    /// How many bytes must be there before the length can be read: 4, or a block where
    /// the length field is encrypted with what follows it.
    pub head: usize,
}

/// What must be a multiple of the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alignment {
    /// The whole packet ([RFC 4253 section 6](https://www.rfc-editor.org/rfc/rfc4253#section-6)).
    WithLength,
    /// What follows the length field ([RFC 5647 section 7.2](https://www.rfc-editor.org/rfc/rfc5647#section-7.2)).
    WithoutLength,
}

/// The outgoing half of a cipher.
pub trait Seal: Send {
    /// The form of packets.
    fn layout(&self) -> Layout;

    /// Encrypts one packet in place. `packet` begins with the length field and ends with the
    /// padding; `tag` is what follows it, of [`Layout::tag`] bytes. `sequence` is the packet's
    /// sequence number ([RFC 4253 section 6.4](https://www.rfc-editor.org/rfc/rfc4253#section-6.4)).
    ///
    /// # Errors
    /// [`Failure::Internal`].
    fn seal(&mut self, sequence: u32, packet: &mut [u8], tag: &mut [u8]) -> Result<(), Failure>;
}

/// The incoming half of a cipher.
pub trait Open: Send {
    /// The form of packets.
    fn layout(&self) -> Layout;

    /// The value of the length field. Called once for each packet with its first
    /// [`Layout::head`] bytes, which may be changed in place; [`open`](Open::open) then gets
    /// them as they were left. The value is not yet authenticated.
    fn length(&mut self, sequence: u32, head: &mut [u8]) -> u32;

    /// Checks and decrypts one packet in place: the length field, all that it counts, and the
    /// tag. What follows the length field is plain text afterwards, and the length field and
    /// the tag are unspecified.
    ///
    /// # Errors
    /// [`Failure::BadTag`]; nothing of the packet may be used then.
    fn open(&mut self, sequence: u32, packet: &mut [u8]) -> Result<(), Failure>;
}

/// A signature algorithm, to verify with.
pub trait Verify: fmt::Debug + Send + Sync {
    /// The algorithm's name, for instance `rsa-sha2-512`.
    fn name(&self) -> &'static str;

    /// The name that its public keys carry, for instance `ssh-rsa`.
    fn key_type(&self) -> &'static str;

    /// The name that its signatures carry, which is another one where the key is certified: a
    /// certificate's algorithm is asked for by a name of its own, and its key signs as ever.
    fn signature_name(&self) -> &'static str {
        self.name()
    }

    /// Verifies `signature` over `message` by the public key `key`.
    ///
    /// `key` is a public key as on the wire, `signature` what follows the algorithm's name in
    /// a signature as on the wire ([RFC 4253 section 6.6](https://www.rfc-editor.org/rfc/rfc4253#section-6.6)).
    ///
    /// # Errors
    /// [`Failure::BadKey`], [`Failure::KeySize`], [`Failure::BadSignature`].
    fn verify(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Failure>;

    /// What a `signature` that verifies says of the presence of whoever made it; `None` where
    /// signatures of this algorithm say nothing of it.
    fn presence(&self, signature: &[u8]) -> Option<Presence> {
        let _ = signature;
        None
    }
}

/// What the signature of a security key says of its holder,
/// [PROTOCOL.u2f](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.u2f), `flags`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// The holder has touched the key.
    pub touched: bool,
    /// The holder was verified, most often by a PIN.
    pub verified: bool,
}
