//! What Lua 5.4 has and LuaJIT lacks: the same script prints the same under both.

use std::fs;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;

use crate::support::peer;
use crate::support::peer::Tool;
use crate::support::proxy::Peer;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (folder, words) in [("shim", ""), ("dialect", "dialect 5.4")] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lua").join(folder);
        let mut files: Vec<_> =
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        trials.extend(files.into_iter().map(|file| {
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            let name = format!("lua::{folder}::{name}");
            peer::trial(name, &[Tool::Lua], move || compare(&file, words))
        }));
    }
    trials
}

fn compare(file: &Path, words: &str) {
    let lua = Tool::Lua.path().unwrap();
    let theirs = Command::new(lua).arg(file).output().unwrap();
    assert!(theirs.status.success(), "{}", String::from_utf8_lossy(&theirs.stderr));
    let ours = ours(file, words);
    let theirs = String::from_utf8_lossy(&theirs.stdout).into_owned();
    for (theirs, ours) in theirs.lines().zip(ours.lines()) {
        assert_eq!(theirs, ours, "Lua 5.4 on the left");
    }
    assert_eq!(theirs.lines().count(), ours.lines().count(), "lines");
}

/// Returns what the body of a script prints.
fn ours(file: &Path, words: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("luaproxy.cfg");
    let text = format!(
        "global\n    lua-load {} {words}\nlisten tcp\n    mode tcp\n    bind 127.0.0.1:64999\n    \
         timeout client 1s\n    tcp-request connection reject\n",
        file.display()
    );
    fs::write(&config, text).unwrap();
    let output = Command::new(Peer::Luaproxy.program())
        .arg("-c")
        .arg("-q")
        .arg("-f")
        .arg(&config)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
