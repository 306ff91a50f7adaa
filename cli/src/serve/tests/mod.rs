//! A gateway at work, in memory: real connections to it, and a world of the tests' own.

mod limits;
mod listen;
mod reload;
mod stage;
mod stop;
mod table;
mod world;
