//! What helps where a configuration names a function that no script has registered.

use crate::diag::suggest;

use super::Kind;

/// Returns what helps where `lua.NAME` is not there; `names` lists what is.
pub fn hint(names: impl Fn(Kind) -> Vec<String>, kind: Kind, name: &str) -> String {
    let all: Vec<String> = Kind::ALL.iter().flat_map(|kind| names(*kind)).collect();
    let known = names(kind);
    let tail = match guess(name, &known) {
        Some(near) => format!("; did you mean 'lua.{near}' ?"),
        None => String::new(),
    };
    let (who, function) = match name.split_once(':') {
        None => ("no script has", name),
        Some((tenant, function)) => {
            let mut tenants: Vec<&str> =
                all.iter().filter_map(|name| Some(name.split_once(':')?.0)).collect();
            if !tenants.contains(&tenant) {
                tenants.sort_unstable();
                let near = suggest::suggest(tenant, tenants);
                let tail = near.map(|near| format!("; did you mean '{near}' ?"));
                let tail = tail.unwrap_or_default();
                return format!("there is no tenant '{tenant}' that has registered anything{tail}");
            }
            (&*format!("tenant '{tenant}' has not"), function)
        }
    };
    let other = Kind::ALL
        .iter()
        .find(|other| **other != kind && names(**other).iter().any(|known| known == name));
    let kind = kind.noun();
    match other {
        Some(other) => format!("'lua.{name}' is registered as {}, not as {kind}", other.noun()),
        None => format!("{who} registered {kind} '{function}'{tail}"),
    }
}

/// Finds the name that is probably meant: a tenant's function without its tenant, or a near one.
fn guess<'a>(name: &str, names: &'a [String]) -> Option<&'a str> {
    let behind = |known: &&String| known.split_once(':').is_some_and(|(_, known)| known == name);
    let known = names.iter().find(behind).or_else(|| suggest::suggest(name, names));
    known.map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(kind: Kind) -> Vec<String> {
        let names: &[&str] = match kind {
            Kind::Fetch => &["hello", "acme:check"],
            Kind::Converter => &["acme:slug"],
            Kind::Action | Kind::Service => &[],
        };
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_is_not_registered_is_told_by_tenant_kind_and_name() {
        for (kind, name, told) in [
            (
                Kind::Fetch,
                "acme:chekc",
                "tenant 'acme' has not registered a fetch 'chekc'; did you mean 'lua.acme:check' ?",
            ),
            (Kind::Fetch, "acme:zzz", "tenant 'acme' has not registered a fetch 'zzz'"),
            (
                Kind::Fetch,
                "acne:check",
                "there is no tenant 'acne' that has registered anything; did you mean 'acme' ?",
            ),
            (Kind::Action, "zz:top", "there is no tenant 'zz' that has registered anything"),
            (
                Kind::Fetch,
                "check",
                "no script has registered a fetch 'check'; did you mean 'lua.acme:check' ?",
            ),
            (
                Kind::Fetch,
                "helo",
                "no script has registered a fetch 'helo'; did you mean 'lua.hello' ?",
            ),
            (Kind::Action, "zzz", "no script has registered an action 'zzz'"),
            (
                Kind::Action,
                "acme:slug",
                "'lua.acme:slug' is registered as a converter, not as an action",
            ),
        ] {
            assert_eq!(hint(names, kind, name), told);
        }
    }
}
