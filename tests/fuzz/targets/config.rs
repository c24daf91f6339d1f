//! Any text as a configuration: nothing panics, and every span lies in the text.

#![no_main]

use libfuzzer_sys::fuzz_target;

use luaproxy::diag::Sources;
use luaproxy::diag::render;
use luaproxy::syntax;
use luaproxy::syntax::Env;

fuzz_target!(|text: &str| {
    let mut sources = Sources::default();
    sources.add("fuzz.cfg", text);
    let mut env: Env = [("A", "a b"), ("B", "")].into_iter().collect();
    let (tree, diagnostics) = syntax::parse(&sources, &mut env);
    render::report(&sources, &diagnostics, render::Style::plain(1));
    let inside = |span: luaproxy::diag::Span| {
        assert!(text.get(span.start as usize..span.end as usize).is_some(), "{span:?}");
    };
    diagnostics.iter().filter_map(|diagnostic| diagnostic.span).for_each(inside);
    for line in tree.sections.iter().flat_map(|section| &section.lines) {
        line.words.iter().for_each(|word| inside(word.sub(0..word.text.len())));
    }
});
