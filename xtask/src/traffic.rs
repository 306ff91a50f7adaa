//! Programs that travel through tunnels: a target behind the far end, and a driver before the near
//! one. Both follow scripts and check every byte that arrives.

pub(crate) mod digest;
pub(crate) mod drive;
pub(crate) mod endpoint;
pub(crate) mod exchange;
pub(crate) mod meeting;
pub(crate) mod pattern;
pub(crate) mod piped;
pub(crate) mod player;
pub(crate) mod script;
pub(crate) mod target;
pub(crate) mod way;
