//! Who may have what forwarded by a Secure Shell gateway.

pub mod calendar;
