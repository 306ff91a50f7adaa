//! Ways to tamper with what is on the way.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;

use crate::pair::line::{Hook, Packet};

/// Keeps a copy of all packets.
pub(crate) fn watch() -> (Rc<RefCell<Vec<Packet>>>, Hook) {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&seen);
    let hook = move |it: Packet| {
        kept.borrow_mut().push(it.clone());
        vec![it.bytes]
    };
    (seen, Box::new(hook))
}

/// Drops one packet.
pub(crate) fn remove(packet: usize) -> Hook {
    at(packet, |_| Vec::new())
}

/// Sends one packet twice.
pub(crate) fn duplicate(packet: usize) -> Hook {
    at(packet, |it| vec![it.clone(), it])
}

/// Sends these bytes before one packet.
pub(crate) fn inject(packet: usize, bytes: Bytes) -> Hook {
    at(packet, move |it| vec![bytes.clone(), it])
}

/// Sends one packet behind the one that follows it.
pub(crate) fn swap(packet: usize) -> Hook {
    let mut kept = None;
    Box::new(move |it: Packet| {
        if it.index == packet {
            kept = Some(it.bytes);
            return Vec::new();
        }
        [Some(it.bytes), kept.take()].into_iter().flatten().collect()
    })
}

/// Two changes, one after another, each of which counts the packets as they were sent.
pub(crate) fn both(mut first: Hook, mut second: Hook) -> Hook {
    Box::new(move |it: Packet| {
        let (index, form) = (it.index, it.form);
        first(it).into_iter().flat_map(|bytes| second(Packet { index, form, bytes })).collect()
    })
}

fn at(packet: usize, mut change: impl FnMut(Bytes) -> Vec<Bytes> + 'static) -> Hook {
    Box::new(move |it: Packet| if it.index == packet { change(it.bytes) } else { vec![it.bytes] })
}
