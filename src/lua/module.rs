//! The modules a tenant's `require` finds: text files below its `lua-path`, read and compiled once
//! for all of its states.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::chunk::Chunk;
use super::error::Error;
use super::folder;
use crate::script::policy::Policy;

/// The longest module: more would take the worker too long to load.
const LENGTH_MAX: usize = 256 << 10;

/// The longest name, as one of a file.
const NAME_MAX: usize = 255;

/// A module that was found.
#[derive(Debug)]
pub(super) struct Module {
    /// As the template names it.
    pub file: String,
    /// The chunk, or what is wrong with the text.
    pub chunk: Result<Chunk, Error>,
}

/// The modules of a tenant that have been read.
#[derive(Debug, Default)]
pub(super) struct Modules(ArcSwap<HashMap<String, Arc<Module>>>);

impl Modules {
    /// Returns a module that has been read.
    pub(super) fn known(&self, name: &str) -> Option<Arc<Module>> {
        self.0.load().get(name).cloned()
    }

    /// Finds a module and keeps it; else says where it is not. It may block.
    pub(super) fn find(&self, policy: &Policy, name: &str) -> Result<Arc<Module>, String> {
        let module = Arc::new(find(policy, name)?);
        self.0.rcu(|known| {
            let mut known = HashMap::clone(known);
            known.insert(name.to_owned(), Arc::clone(&module));
            known
        });
        Ok(module)
    }
}

fn find(policy: &Policy, name: &str) -> Result<Module, String> {
    if name.is_empty() || name.len() > NAME_MAX || name.contains('\0') {
        return Err("\n\tno module can have this name".to_owned());
    }
    // As in Lua; and so there is no `..` in what stands for the `?`.
    let name = name.replace('.', "/");
    let mut tried = String::new();
    for template in policy.paths.iter().flat_map(|paths| paths.split(';')) {
        let (folder, rest) = split(template);
        let rest = rest.replace('?', &name);
        let file = format!("{folder}{rest}");
        let place = if folder.is_empty() { Path::new(".") } else { Path::new(folder) };
        let opened = folder::open(place, Path::new(&rest));
        match opened.and_then(|opened| opened.read(LENGTH_MAX)) {
            Ok(source) => {
                let chunk = Chunk::compile(&file, &source);
                return Ok(Module { file, chunk });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tried.push_str(&format!("\n\tno file '{file}'"));
            }
            Err(error) => {
                tried.push_str(&format!("\n\tno file '{file}' ({})", folder::why(&error)));
            }
        }
    }
    Err(tried)
}

/// Splits a template into the folder that is the operator's word and what a name completes.
fn split(template: &str) -> (&str, &str) {
    let fixed = template.find('?').unwrap_or(template.len());
    let slash = template.get(..fixed).and_then(|fixed| fixed.rfind('/'));
    template.split_at(slash.map_or(0, |slash| slash + 1))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::lua::Options;
    use crate::lua::Reach;
    use crate::lua::Vm;

    #[test]
    fn a_name_leads_to_files_below_the_template_alone() {
        let outside = tempfile::tempdir().unwrap();
        let top = outside.path().display().to_string();
        fs::create_dir_all(outside.path().join("lib/deep")).unwrap();
        fs::write(outside.path().join("secret.lua"), "return 'secret'").unwrap();
        fs::write(outside.path().join("lib/a.lua"), "return 'a'").unwrap();
        fs::write(outside.path().join("lib/deep/init.lua"), "return 'deep'").unwrap();
        fs::write(outside.path().join("lib/long.lua"), vec![b' '; LENGTH_MAX + 1]).unwrap();
        symlink("../secret.lua", outside.path().join("lib/link.lua")).unwrap();
        let paths = vec![format!("{top}/lib/?.lua;{top}/lib/?/init.lua")];
        let policy = Policy { paths, ..Policy::new("acme") };
        let modules = Modules::default();
        let vm = Vm::new(Options { id: 0, jit: false, reach: Reach::Tenant }).unwrap();
        for (name, expected) in [
            ("a", Ok("a")),
            ("deep", Ok("deep")),
            ("deep.init", Ok("deep")),
            ("none", Err("no file")),
            ("../secret", Err("no file")),
            ("..secret", Err("no file")),
            ("link", Err("Too many levels")),
            ("long", Err("File too large")),
            ("/etc/passwd", Err("no file")),
            ("", Err("no module")),
            ("a\0", Err("no module")),
        ] {
            let found = modules.find(&policy, name);
            match (found, expected) {
                (Ok(module), Ok(value)) => {
                    let function = module.chunk.as_ref().unwrap().load(vm.lua()).unwrap();
                    assert_eq!(function.call::<String>(()).unwrap(), value, "{name}");
                }
                (Err(why), Err(part)) => assert!(why.contains(part), "{name}: {why}"),
                (found, _) => panic!("{name}: {found:?}"),
            }
        }
        assert!(modules.known("a").is_some_and(|module| module.file.ends_with("/lib/a.lua")));
        assert!(modules.known("none").is_none());
    }

    #[test]
    fn the_folder_of_a_template_ends_before_its_question_mark() {
        assert_eq!(split("acme/lib/?.lua"), ("acme/lib/", "?.lua"));
        assert_eq!(split("?.lua"), ("", "?.lua"));
        assert_eq!(split("/srv/x?/init.lua"), ("/srv/", "x?/init.lua"));
        assert_eq!(split("lib"), ("", "lib"));
    }
}
