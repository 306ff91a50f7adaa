//! A client whose peer does anything at all.

#![no_main]
#![allow(dead_code, reason = "what is shared with the tests is not all needed")]

#[path = "../../tests/pair/mod.rs"]
mod pair;
mod script;
#[path = "../../examples/handshake/toy.rs"]
mod toy;

use libfuzzer_sys::fuzz_target;

use crate::pair::side::Who;

fuzz_target!(|bytes: &[u8]| script::run(Who::Client, bytes));
