//! Days and hours as people write them. No clock is read and no table of time zones: a zone is an
//! offset from UTC.

pub mod civil;
pub mod date;
pub mod stamp;
pub mod window;
pub mod zone;
