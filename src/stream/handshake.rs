//! The TLS handshake of a client's connection.

use std::rc::Rc;

use crate::net;
use crate::net::timer;
use crate::net::tls::Acceptor;
use crate::program::Section;
use crate::txn::Failure;
use crate::txn::Session;

/// Makes a client's connection a TLS connection; an error ends it.
pub(super) async fn accept(
    section: &Section,
    session: &Rc<Session>,
    conn: &mut net::Stream,
    acceptor: &Acceptor,
) -> Result<(), Failure> {
    let shaken = {
        let shaking = Box::pin(conn.accept_tls(acceptor));
        match section.proxy.timeouts.client {
            None => Ok(shaking.await),
            Some(longest) => timer::timeout(longest, shaking).await,
        }
    };
    let failure = match shaken {
        Ok(Ok(())) => {
            if let Some(info) = conn.tls() {
                let _once = session.tls.set(Rc::clone(info));
            }
            return Ok(());
        }
        Ok(Err(error)) => Failure::from(&error),
        Err(timer::Elapsed) => Failure::slow_handshake(),
    };
    Err(failure)
}
