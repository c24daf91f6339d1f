//! Workers that are stuck in a call of a script, and the others that accept in their place.
//!
//! The kernel gives each connection to one worker's socket, and it waits there. Any thread can
//! accept from that socket through a descriptor of its own.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwap;
use event_listener::Event;
use event_listener::listener;

/// The workers' doors, for as long as they accept, and who of them is stuck.
pub(super) struct Rescue<D> {
    /// In the order of the workers.
    places: Vec<Place<D>>,
    changed: Event,
}

struct Place<D> {
    doors: ArcSwap<Vec<D>>,
    is_stuck: AtomicBool,
}

impl<D> Rescue<D> {
    /// Returns the places of so many workers, none of which has a door.
    pub(super) fn new(workers: usize) -> Self {
        let place = || Place { doors: ArcSwap::default(), is_stuck: AtomicBool::new(false) };
        let mut places = Vec::new();
        places.resize_with(workers, place);
        Self { places, changed: Event::new() }
    }

    /// Lets others accept at these doors of a worker while it is stuck.
    pub(super) fn offer(&self, worker: usize, doors: Vec<D>) {
        if let Some(place) = self.places.get(worker) {
            place.doors.store(Arc::new(doors));
        }
    }

    /// Takes note that a worker is stuck, or has come back.
    pub(super) fn set_stuck(&self, worker: usize, is_stuck: bool) {
        if let Some(place) = self.places.get(worker) {
            place.is_stuck.store(is_stuck, Ordering::Release);
            self.changed.notify(usize::MAX);
        }
    }

    /// Calls `enter` for each door of a worker that is stuck, other than `own`, and keeps what it
    /// returns until that worker is back. Does not end.
    pub(super) async fn stand_in<T>(&self, own: usize, mut enter: impl FnMut(&D) -> T) {
        let mut entered: Vec<Vec<T>> = Vec::new();
        entered.resize_with(self.places.len(), Vec::new);
        loop {
            listener!(self.changed => changed);
            for (index, (place, entered)) in self.places.iter().zip(&mut entered).enumerate() {
                let is_stuck = index != own && place.is_stuck.load(Ordering::Acquire);
                if !is_stuck {
                    entered.clear();
                } else if entered.is_empty() {
                    entered.extend(place.doors.load().iter().map(&mut enter));
                }
            }
            changed.await;
        }
    }
}

impl<D> fmt::Debug for Rescue<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stuck = self.places.iter().map(|place| place.is_stuck.load(Ordering::Relaxed));
        f.debug_struct("Rescue").field("stuck", &stuck.collect::<Vec<_>>()).finish_non_exhaustive()
    }
}
