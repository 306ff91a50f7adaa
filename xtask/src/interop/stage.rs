//! The places in which the scenarios of one peer play, started when they are first needed and again
//! when a scenario broke them.
//!
//! ```text
//!   home: adit and programs <----- SSH -----> place: the peer | annex: programs
//!         a network of its own                        one network for both
//! ```

use std::net::IpAddr;
use std::path::PathBuf;

use crate::error::{Context, Error, Result};
use crate::interop::engine::Engine;
use crate::interop::key::Keys;
use crate::interop::leftover;
use crate::interop::peer::Peer;
use crate::interop::place::{Family, Place};
use crate::interop::server;
use crate::interop::services::Services;

/// One of the places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Where adit is when the peer is not on its machine.
    Home,
    /// Where the peer is.
    Peer,
    /// The peer's network, with the file system of the programs.
    Annex,
}

/// Where the scenarios of one peer play.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    engine: &'a Engine,
    pub(crate) peer: Peer,
    pub(crate) keys: &'a Keys,
    /// Holds a folder for each place.
    folder: PathBuf,
    services: Option<(Side, Services)>,
    annex: Option<Box<dyn Place>>,
    home: Option<Box<dyn Place>>,
    place: Option<Box<dyn Place>>,
    /// By which addresses home reaches the peer, and the peer home.
    roads: Option<[Vec<IpAddr>; 2]>,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(engine: &'a Engine, peer: Peer, keys: &'a Keys, folder: PathBuf) -> Self {
        Self {
            engine,
            peer,
            keys,
            folder,
            services: None,
            annex: None,
            home: None,
            place: None,
            roads: None,
        }
    }

    /// The peer's place, with nothing but the keys in it if it is new.
    pub(crate) fn place(&mut self) -> Result<&mut dyn Place> {
        let place = match self.place.take() {
            Some(place) => place,
            None => self.start_peer(self.peer)?,
        };
        Ok(self.place.insert(place).as_mut())
    }

    /// Starts a place for any peer, which is no part of this stage: it goes when it is dropped.
    pub(crate) fn start_peer(&self, peer: Peer) -> Result<Box<dyn Place>> {
        let place = self.engine.start(peer, &self.new_folder()?)?;
        server::prepare(place.as_ref(), peer.flavour, self.keys)?;
        Ok(place)
    }

    /// The place on one side.
    pub(crate) fn at(&mut self, side: Side) -> Result<&mut dyn Place> {
        match side {
            Side::Peer => self.place(),
            Side::Home => {
                let home = match self.home.take() {
                    Some(home) => home,
                    None => {
                        let home = self.engine.start_home(self.peer, &self.new_folder()?)?;
                        server::open_shared(home.as_ref())?;
                        home
                    }
                };
                Ok(self.home.insert(home).as_mut())
            }
            Side::Annex => {
                let annex = match self.annex.take() {
                    Some(annex) => annex,
                    None => {
                        let (base, folder) = (self.engine.programs()?, self.new_folder()?);
                        let annex = self.place()?.annex(&base, &folder)?;
                        server::open_shared(annex.as_ref())?;
                        annex
                    }
                };
                Ok(self.annex.insert(annex).as_mut())
            }
        }
    }

    /// The address at which `to` is reached from the other end.
    pub(crate) fn address(&mut self, to: Side, family: Family) -> Result<Option<IpAddr>> {
        let [peer, home] = match self.roads.take() {
            Some(roads) => roads,
            None => {
                self.at(Side::Home)?;
                self.place()?;
                let (Some(home), Some(place)) = (&self.home, &self.place) else {
                    return Err(Error::new("no places"));
                };
                [
                    self.join(home.as_ref(), place.as_ref())?,
                    self.join(place.as_ref(), home.as_ref())?,
                ]
            }
        };
        let road = if to == Side::Home { &home } else { &peer };
        let found = road.iter().find(|address| Family::of(**address) == family).copied();
        self.roads = Some([peer, home]);
        Ok(found)
    }

    /// Makes sure that one place reaches another, and says by which addresses.
    pub(crate) fn join(&self, from: &dyn Place, to: &dyn Place) -> Result<Vec<IpAddr>> {
        self.engine.join(from, to)
    }

    /// As [`Stage::join`], from home.
    pub(crate) fn join_from_home(&mut self, to: &dyn Place) -> Result<Vec<IpAddr>> {
        self.at(Side::Home)?;
        let home = self.home.as_ref().ok_or_else(|| Error::new("no home"))?;
        self.join(home.as_ref(), to)
    }

    /// As [`Stage::join`], to the peer.
    pub(crate) fn join_to_peer(&mut self, from: &dyn Place) -> Result<Vec<IpAddr>> {
        self.place()?;
        let place = self.place.as_ref().ok_or_else(|| Error::new("no peer"))?;
        self.join(from, place.as_ref())
    }

    /// As [`Stage::join`], from the peer.
    pub(crate) fn join_from_peer(&mut self, to: &dyn Place) -> Result<Vec<IpAddr>> {
        self.place()?;
        let place = self.place.as_ref().ok_or_else(|| Error::new("no peer"))?;
        self.join(place.as_ref(), to)
    }

    /// The servers of the programs that travel, on one side.
    pub(crate) fn services(&mut self, side: Side) -> Result<&Services> {
        let services = match self.services.take() {
            Some((there, services)) if there == side => services,
            _ => {
                let folder = self.new_folder()?;
                Services::start(self.at(side)?, &folder)?
            }
        };
        Ok(&self.services.insert((side, services)).1)
    }

    fn new_folder(&self) -> Result<PathBuf> {
        let folder = self.folder.join(format!("place-{}", leftover::serial()));
        std::fs::create_dir_all(&folder).context("make a folder for a place")?;
        Ok(folder)
    }

    /// Ends what runs in the peer's place, for the next scenario.
    pub(crate) fn clear(&mut self) -> Result<()> {
        match &mut self.place {
            Some(place) => place.clear(),
            None => Ok(()),
        }
    }

    /// Takes all places down; the next ones that are asked for are new.
    pub(crate) fn discard(&mut self) {
        self.services = None;
        self.roads = None;
        // It lives in the network of the peer's place, and must go first.
        self.annex = None;
        self.home = None;
        self.place = None;
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        self.discard();
    }
}
