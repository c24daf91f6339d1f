//! The environment that variables and conditions see: plain data, owned by the caller.

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The environment variables; a copy, so that `setenv` races with no other thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Env {
    variables: BTreeMap<String, String>,
}

impl Env {
    /// Returns an environment without variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Sets a variable (`setenv`).
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.variables.insert(name.into(), value.into());
    }

    /// Sets a variable that is not set (`presetenv`).
    pub fn preset(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.variables.entry(name.into()).or_insert_with(|| value.into());
    }

    /// Removes a variable (`unsetenv`).
    pub fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    /// Removes all variables but those named (`resetenv`).
    pub fn reset(&mut self, keep: &[&str]) {
        self.variables.retain(|name, _| keep.contains(&name.as_str()));
    }

    /// Returns every variable, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The environment as the configuration has left it.
static PROCESS: OnceLock<Env> = OnceLock::new();

impl Env {
    /// Makes this the environment that expressions and scripts see, once.
    pub fn publish(self) {
        PROCESS.set(self).ok();
    }

    /// Returns a variable of the published environment, or of the process before there is one.
    pub fn find_published(name: &str) -> Option<String> {
        match PROCESS.get() {
            Some(env) => env.get(name).map(str::to_owned),
            None => std::env::var(name).ok(),
        }
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(list: I) -> Self {
        let pairs = list.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { variables: pairs.collect() }
    }
}
