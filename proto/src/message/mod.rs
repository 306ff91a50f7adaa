//! The messages of the protocol as typed values, one struct for each SSH_MSG_*.
//!
//! A message knows how it is written and read and nothing of states: which message may come
//! when is the business of the phases. Numbers 30 to 49 and 60 to 79 mean what
//! the method under way says, so there is no enum of all messages; the three layers decode
//! what they expect, and [`ConnectionMessage`](connection::ConnectionMessage) gathers the messages of the
//! connection protocol, which are all that leaves the core.

pub mod channel_close;
pub mod channel_data;
pub mod channel_id;
pub mod channel_open;
pub mod channel_reply;
pub mod channel_request;
pub mod codec;
pub mod connection;
pub mod disconnect;
pub mod ext_info;
pub mod global_reply;
pub mod global_request;
pub mod informative;
pub mod kex;
pub mod kex_group;
pub mod kexinit;
pub mod newkeys;
pub mod number;
pub mod ping;
pub mod service;
pub mod terminal_modes;
pub mod userauth;
pub mod userauth_interactive;
pub mod userauth_password;
pub mod userauth_publickey;
pub mod userauth_request;
