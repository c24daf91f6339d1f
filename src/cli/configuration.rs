//! The configuration as the command line names it: its files, its environment, and what the reader
//! of them makes of it. The one place that reads configuration files.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::diag::Diagnostic;
use crate::diag::Severity;
use crate::diag::Sources;
use crate::diag::Span;
use crate::syntax;
use crate::syntax::Env;
use crate::syntax::Tree;

use super::options::Options;

/// A configuration that was read, and all that is wrong in its text.
#[derive(Debug, Default)]
pub struct Configuration {
    /// The files.
    pub sources: Sources,
    /// Their sections.
    pub tree: Tree,
    /// The environment, with what `global` sections changed in it.
    pub env: Env,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
}

impl Configuration {
    /// Reads the files of the command line.
    pub fn read(options: &Options) -> Self {
        let mut diagnostics = Vec::new();
        let mut sources = Sources::default();
        for path in &options.config {
            match files(path) {
                Ok(files) if files.is_empty() => {
                    let name = path.display();
                    diagnostics.push(alert(format!("no .cfg file in directory {name}")));
                }
                Ok(files) => {
                    for file in files {
                        add(&file, &mut sources, &mut diagnostics);
                    }
                }
                Err(error) => diagnostics.push(cannot_open(path, &error)),
            }
        }
        let names: Vec<&str> = sources.iter().map(|(_, source)| source.name.as_str()).collect();
        let mut env = environment(options, &names.join(";"));
        let (tree, mistakes) = syntax::parse(&sources, &mut env);
        diagnostics.extend(mistakes);
        if !options.diagnostic {
            diagnostics.retain(|diagnostic| diagnostic.severity != Severity::Diag);
        }
        Self { sources, tree, env, diagnostics }
    }
}

/// Returns the environment of the process with HAProxy's own variables (configuration.txt 2.3).
pub fn environment(options: &Options, files: &str) -> Env {
    let text = |value: &OsStr| value.to_string_lossy().into_owned();
    let mut env: Env =
        std::env::vars_os().map(|(name, value)| (text(&name), text(&value))).collect();
    let release = syntax::HAPROXY_VERSION;
    env.set("HAPROXY_BRANCH", release.rsplit_once('.').map_or(release, |(branch, _)| branch));
    env.set("HAPROXY_CFGFILES", files);
    env.set("HAPROXY_LOCALPEER", options.local_peer.clone().unwrap_or_else(hostname));
    env.set("HAPROXY_STARTUP_VERSION", release);
    if options.master_worker {
        env.set("HAPROXY_MWORKER", "1");
    }
    env
}

/// Returns the file itself, or the `.cfg` files of a directory in lexical order.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        let hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let suffix = file.extension() == Some(OsStr::new("cfg"));
        if suffix && !hidden && fs::metadata(&file).is_ok_and(|metadata| metadata.is_file()) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn add(path: &Path, sources: &mut Sources, diagnostics: &mut Vec<Diagnostic>) {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return diagnostics.push(cannot_open(path, &error)),
    };
    let name = path.display().to_string();
    match String::from_utf8(bytes) {
        Ok(text) => {
            sources.add(name, text);
        }
        Err(error) => {
            let at = u32::try_from(error.utf8_error().valid_up_to()).unwrap_or(u32::MAX);
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let source = sources.add(name, text);
            let span = Span { source, start: at, end: at.saturating_add(1) };
            let notice = Diagnostic::notice(span, "this is no UTF-8: such bytes are replaced");
            diagnostics.push(notice.hint("write the byte as an escape, such as '\\xe9'"));
        }
    }
}

fn cannot_open(path: &Path, error: &io::Error) -> Diagnostic {
    let (path, reason) = (path.display(), reason(error));
    alert(format!("Cannot open configuration file/directory {path} : {reason}"))
}

/// Returns why a system call failed, in the words of C's strerror.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn alert(message: String) -> Diagnostic {
    Diagnostic::new(Severity::Alert, None, message)
}

fn hostname() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::Configuration;
    use super::files;
    use crate::cli::options::Options;

    fn read(args: &[&str]) -> Configuration {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        Configuration::read(&Options::parse(&args).unwrap())
    }

    #[test]
    fn directory_means_its_cfg_files_in_lexical_order() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.cfg", "a.cfg", ".c.cfg", "d.txt", "cfg"] {
            fs::write(dir.path().join(name), "global\n").unwrap();
        }
        fs::create_dir(dir.path().join("e.cfg")).unwrap();
        let names: Vec<_> = files(dir.path()).unwrap();
        assert_eq!(names, [dir.path().join("a.cfg"), dir.path().join("b.cfg")]);
        let configuration = read(&["-f", dir.path().to_str().unwrap()]);
        assert_eq!(configuration.tree.sections.len(), 2);
        let listed = names.iter().map(|name| name.display().to_string()).collect::<Vec<_>>();
        assert_eq!(configuration.env.get("HAPROXY_CFGFILES"), Some(listed.join(";").as_str()));
        let empty = read(&["-f", dir.path().join("e.cfg").to_str().unwrap()]);
        assert!(empty.diagnostics[0].message.starts_with("no .cfg file in directory "));
    }

    #[test]
    fn all_files_that_cannot_be_opened_are_reported() {
        let configuration = read(&["-f", "/nonexistent/a", "-f", "/nonexistent/b"]);
        let messages: Vec<&str> =
            configuration.diagnostics.iter().map(|diagnostic| &*diagnostic.message).collect();
        let text = "Cannot open configuration file/directory /nonexistent/";
        let why = "No such file or directory";
        assert_eq!(messages, [format!("{text}a : {why}"), format!("{text}b : {why}")]);
    }

    #[test]
    fn bytes_that_are_no_utf8_are_told_and_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.cfg");
        fs::write(&path, b"global # caf\xe9\n daemon\n").unwrap();
        let configuration = read(&["-f", path.to_str().unwrap()]);
        assert_eq!(configuration.diagnostics.len(), 1);
        let span = configuration.diagnostics[0].span.unwrap();
        assert_eq!((span.start, configuration.tree.sections[0].lines.len()), (12, 1));
    }

    #[test]
    fn variables_of_haproxy_are_set() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.cfg");
        let text = "global\n.diag x\n k \"$HAPROXY_LOCALPEER\" \"$HAPROXY_MWORKER\"\n";
        fs::write(&path, text).unwrap();
        let configuration = read(&["-W", "-L", "me", "-f", path.to_str().unwrap()]);
        assert_eq!(configuration.tree.sections[0].lines[0].text(1), "me");
        assert_eq!(configuration.tree.sections[0].lines[0].text(2), "1");
        assert_eq!(configuration.diagnostics, []);
        let configuration = read(&["-dD", "-f", path.to_str().unwrap()]);
        assert_eq!(configuration.diagnostics.len(), 1);
        assert!(configuration.env.get("HAPROXY_MWORKER").is_none());
        assert!(Path::new(configuration.env.get("HAPROXY_CFGFILES").unwrap()).is_absolute());
    }
}
