//! What the commands for script authors begin with: the scripts that a configuration loads.

use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use crate::compile;
use crate::diag::Severity;
use crate::lua;

use super::command::USAGE;
use super::configuration::Configuration;
use super::console::Console;
use super::options::Options;

/// Returns a script host with all that some configuration files load; opens no socket. Says what
/// is wrong with them.
pub(super) fn host(config: &[PathBuf], console: Console) -> Result<Rc<lua::Host>, ExitCode> {
    let host = lua::Host::new(0);
    let options = Options { config: config.to_vec(), ..Options::default() };
    let mut configuration = Configuration::read(&options);
    configuration.env.clone().publish();
    if config.is_empty() {
        return Ok(host);
    }
    let compiled = compile::compile(compile::Input {
        sources: &configuration.sources,
        tree: &configuration.tree,
        env: &configuration.env,
        loader: &*host,
        default_maxconn: 0,
    });
    configuration.diagnostics.extend(compiled.diagnostics);
    let alerts = |it: &crate::diag::Diagnostic| it.severity == Severity::Alert;
    configuration.diagnostics.retain(alerts);
    if console.report(&configuration.sources, &configuration.diagnostics) {
        return Err(ExitCode::from(USAGE));
    }
    Ok(host)
}
