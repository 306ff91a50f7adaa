//! The place of a peer, started when it is first needed and again when a scenario broke it.

use std::path::PathBuf;

use crate::error::{Context, Result};
use crate::interop::engine::Engine;
use crate::interop::key::Keys;
use crate::interop::leftover;
use crate::interop::peer::Peer;
use crate::interop::place::Place;
use crate::interop::server;

/// Where the scenarios of one peer play.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    engine: &'a mut Engine,
    pub(crate) peer: Peer,
    pub(crate) keys: &'a Keys,
    /// Holds a folder for each place.
    folder: PathBuf,
    place: Option<Box<dyn Place>>,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(engine: &'a mut Engine, peer: Peer, keys: &'a Keys, folder: PathBuf) -> Self {
        Self { engine, peer, keys, folder, place: None }
    }

    /// The place, with nothing but the keys in it if it is new.
    pub(crate) fn place(&mut self) -> Result<&mut dyn Place> {
        let place = match self.place.take() {
            Some(place) => place,
            None => {
                let folder = self.folder.join(format!("place-{}", leftover::serial()));
                std::fs::create_dir_all(&folder).context("make a folder for a place")?;
                let place = self.engine.start(self.peer, &folder)?;
                server::prepare(place.as_ref(), self.peer.flavour, self.keys)?;
                place
            }
        };
        Ok(self.place.insert(place).as_mut())
    }

    /// Ends what runs in the place, for the next scenario.
    pub(crate) fn clear(&mut self) -> Result<()> {
        match &mut self.place {
            Some(place) => place.clear(),
            None => Ok(()),
        }
    }

    /// Takes the place down; the next one that is asked for is new.
    pub(crate) fn discard(&mut self) {
        self.place = None;
    }
}
