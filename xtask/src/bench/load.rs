//! The program before the tunnel: it makes the load, and says what it saw.

pub(crate) mod bulk;
pub(crate) mod idle;
pub(crate) mod login;
pub(crate) mod ping;
pub(crate) mod short;
pub(crate) mod stall;
pub(crate) mod streams;
