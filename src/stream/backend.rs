//! Which backend an exchange goes to, and which of its servers it must use.

use std::sync::Arc;

use bytes::Bytes;

use crate::program::Section;
use crate::program::Target;
use crate::proxy::Caps;
use crate::proxy::Counter;
use crate::proxy::Proxy;
use crate::proxy::Server;
use crate::sample::Condition;
use crate::sample::Eval;
use crate::sample::Format;
use crate::sample::Truth;

use super::local::Local;

/// Finds the backend of an exchange: `use_backend`, `default_backend`, or a `listen` section
/// itself.
pub(super) async fn switch<'p>(
    local: &'p Local,
    frontend: &'p Section,
    eval: Eval<'_>,
) -> Option<&'p Section> {
    for rule in &frontend.switching {
        if !holds(rule.condition.as_ref(), eval).await {
            continue;
        }
        let id = match &rule.target {
            Target::Fixed(id) => Some(*id),
            Target::Dynamic(format) => {
                let name = evaluate(format, eval).await;
                let named = std::str::from_utf8(&name).ok();
                let caps = Caps { backend: true, frontend: false };
                named
                    .and_then(|name| local.program.proxies.find_named(name, caps))
                    .map(|proxy| proxy.id)
            }
        };
        // HAProxy: a name that is no backend leads to the default one.
        let Some(id) = id else { break };
        return local.section(id);
    }
    match frontend.default_backend {
        Some(id) => local.section(id),
        None => frontend.proxy.caps.backend.then_some(frontend),
    }
}

/// Finds the server that `use-server` asks for.
pub(super) async fn forced_server(backend: &Section, eval: Eval<'_>) -> Option<Arc<Server>> {
    let servers = &backend.proxy.servers;
    for rule in &backend.use_server {
        if !holds(rule.condition.as_ref(), eval).await {
            continue;
        }
        let server = match &rule.target {
            Target::Fixed(index) => servers.get(*index),
            Target::Dynamic(format) => {
                let name = evaluate(format, eval).await;
                servers.iter().find(|server| server.name.as_bytes() == name)
            }
        };
        return server.cloned();
    }
    None
}

/// An exchange that is counted as its backend's while it lasts.
#[derive(Debug)]
pub(super) struct Serving {
    proxy: Arc<Proxy>,
    worker: usize,
}

impl Serving {
    /// Counts an exchange of a backend; in total, a `listen` section has counted its connection.
    pub(super) fn count(frontend: &Section, backend: &Section, worker: usize) -> Self {
        let proxy = Arc::clone(&backend.proxy);
        proxy.counters.add(worker, Counter::Serving, 1);
        if frontend.proxy.id != proxy.id {
            proxy.counters.add(worker, Counter::Total, 1);
        }
        Self { proxy, worker }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.proxy.counters.add(self.worker, Counter::Serving, -1);
    }
}

async fn holds(condition: Option<&Condition>, eval: Eval<'_>) -> bool {
    match condition {
        Some(condition) => Box::pin(condition.eval(eval)).await == Truth::Pass,
        None => true,
    }
}

async fn evaluate(format: &Format, eval: Eval<'_>) -> Bytes {
    Box::pin(format.eval(eval)).await
}
