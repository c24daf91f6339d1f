//! Names to addresses, through the system's resolver.

use std::io;
use std::net::IpAddr;

use smol::lock::Semaphore;

use crate::net::addr::Family;
use crate::net::stand_in;

/// Returns the addresses of `name`. It blocks: for the start, before there are workers.
pub fn blocking(name: &str, family: Family) -> io::Result<Vec<IpAddr>> {
    let mut found: Vec<IpAddr> = Vec::new();
    for ip in dns_lookup::lookup_host(name)? {
        let wanted = match family {
            Family::Any => true,
            Family::V4 => ip.is_ipv4(),
            Family::V6 => ip.is_ipv6(),
        };
        if wanted && !found.contains(&ip) {
            found.push(ip);
        }
    }
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no address of that family"));
    }
    Ok(found)
}

/// Returns the addresses of `name`; a thread that may block does the work.
///
/// `token` is dropped when that thread has done: also after nobody waits for it any more.
pub async fn lookup(
    name: String,
    family: Family,
    token: impl Send + 'static,
) -> io::Result<Vec<IpAddr>> {
    if let Some(stand_in) = stand_in::get() {
        return stand_in.resolve(&name);
    }
    let permit = LOOKUPS.acquire().await;
    let work = move || {
        let found = blocking(&name, family);
        drop((permit, token));
        found
    };
    unblock(work).await
}

/// Returns the name of an address; a thread that may block asks for it.
pub async fn name(ip: IpAddr) -> io::Result<String> {
    let permit = LOOKUPS.acquire().await;
    let work = move || {
        let found = dns_lookup::lookup_addr(&ip).map_err(io::Error::from);
        drop(permit);
        found
    };
    unblock(work).await
}

/// Slow name servers must not take all the threads that may block.
static LOOKUPS: Semaphore = Semaphore::new(16);

#[expect(clippy::disallowed_methods, reason = "the one place that waits for a resolver")]
async fn unblock<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    smol::unblock(work).await
}
