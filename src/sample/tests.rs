//! What the tables of samples promise, and what expressions make of mistakes.

use std::cell::Cell;
use std::cell::OnceCell;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;

use crate::clock;
use crate::net::Addr;
use crate::proxy;
use crate::proxy::Directory;
use crate::proxy::Mode;
use crate::proxy::testing;
use crate::script;
use crate::script::Registry;
use crate::script::Scripts;
use crate::task;
use crate::txn::Direction;
use crate::txn::Scope;
use crate::txn::Session;
use crate::txn::Txn;
use crate::txn::Vars;
use crate::value::Value;

use super::Checkpoint;
use super::Condition;
use super::Ctx;
use super::Env;
use super::Error;
use super::Eval;
use super::Expr;
use super::Format;
use super::Options;
use super::Truth;
use super::acl::Table;
use super::find_fetch;

/// Scripts that know the fetch `lua.twice` and the converter `lua.twice`: the text, two times.
#[derive(Debug)]
struct Twice;

impl Scripts for Twice {
    fn start(self: Rc<Self>, call: script::Call<'_>) -> script::Step {
        let text = match call {
            script::Call::Fetch { arguments, .. } => arguments.concat(),
            script::Call::Converter { input, .. } => input.into_bytes().to_vec(),
            _ => return script::Step::Ended(script::Outcome::Failed),
        };
        let text = Value::Str(text.repeat(2).into());
        script::Step::Ended(script::Outcome::Value(Some(text)))
    }

    fn poll(&self, _: usize, _: &mut Context<'_>) -> Poll<script::Outcome> {
        Poll::Ready(script::Outcome::Failed)
    }

    fn cancel(&self, _: usize) {}
}

impl Registry for Twice {
    fn find_fetch(&self, name: &str) -> Option<script::Id> {
        (name == "twice").then_some(script::Id(1))
    }

    fn find_converter(&self, name: &str) -> Option<script::Id> {
        (name == "twice").then_some(script::Id(2))
    }

    fn find_action(&self, _: &str) -> Option<script::Action> {
        None
    }

    fn find_service(&self, _: &str) -> Option<script::Service> {
        None
    }

    fn global_function(&self, _: &str) -> Result<script::Id, script::FunctionError> {
        Err(script::FunctionError::NotFound)
    }

    fn is_shared(&self, kind: script::Kind, _: script::Id) -> bool {
        kind == script::Kind::Fetch
    }
}

fn txn() -> Txn {
    let frontend = Arc::new(testing::proxy(0, "f", Mode::Tcp));
    let addr = || RefCell::new(Addr::Inet(([127, 0, 0, 1], 80).into()));
    let session = Session {
        id: 1,
        worker: 0,
        proxies: Arc::new(proxy::Set::new(vec![Arc::clone(&frontend)])),
        frontend,
        listener: (1, "l".into()),
        src: addr(),
        dst: addr(),
        accepted: clock::now(),
        accept_date: Duration::ZERO,
        vars: RefCell::new(Vars::default()),
        expect_proxy: Default::default(),
        proxy_header: Default::default(),
        requests: Cell::new(0),
        tls: OnceCell::new(),
        failure: OnceCell::new(),
    };
    Txn::new(Rc::new(session), 1, 0, 1024)
}

fn with_env<T>(acls: &Table, run: impl FnOnce(&Env<'_>) -> T) -> T {
    let proxies = Directory::default();
    let checkpoint = Checkpoint::FrontendTcpContent;
    run(&Env { scripts: &Twice, proxies: &proxies, current: None, acls, checkpoint, http: false })
}

fn condition(words: &str, acls: &Table) -> Result<Condition, Vec<Error>> {
    let words: Vec<&str> = words.split(' ').collect();
    with_env(acls, |env| Condition::parse(&words, false, env))
}

fn define(table: &mut Table, name: &str, words: &[&str]) -> Result<Vec<Error>, Vec<Error>> {
    let empty = Table::new();
    with_env(&empty, |env| table.define(name, words, env))
}

#[test]
fn a_name_given_again_matches_where_either_does_even_later() {
    let mut table = Table::new();
    define(&mut table, "five", &["int(5)", "4"]).unwrap();
    let five = condition("five", &table).unwrap();
    let txn = txn();
    let check = || five.check(&Ctx::new(&txn, Direction::Request, true));
    assert_eq!(check(), Truth::Fail);
    define(&mut table, "five", &["int(5)", "5"]).unwrap();
    assert_eq!(check(), Truth::Pass);
    let error = condition("fife", &table).unwrap_err().remove(0);
    assert_eq!(error.to_string(), "no such ACL : 'fife'");
    assert_eq!(error.hint.as_deref(), Some("did you mean 'five' ?"));
}

#[test]
fn names_of_acls_are_checked() {
    let mut table = Table::new();
    for (name, message) in [
        ("a/b", "character '/' is not permitted in acl name 'a/b'"),
        (
            "or",
            "acl name 'or' will never match. 'or' is used to express a logical disjunction within \
             a condition",
        ),
        ("a", "missing fetch method in ACL expression ''"),
    ] {
        let error = define(&mut table, name, &[]).unwrap_err().remove(0);
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn what_never_matches_is_a_warning() {
    let mut table = Table::new();
    let warnings = define(&mut table, "a", &["int(5)"]).unwrap();
    let text = warnings.first().map(ToString::to_string).unwrap_or_default();
    assert!(text.starts_with("parsing acl keyword 'int(5)' :\n  no pattern to match"), "{text}");
    let warned = condition("{ res.len 5 }", &table).unwrap();
    let text = warned.warnings().first().map(ToString::to_string);
    assert_eq!(
        text.as_deref(),
        Some(
            "anonymous acl will never match because it uses keyword 'res.len' which is \
             incompatible with 'frontend tcp-request content rule'"
        )
    );
}

#[test]
fn data_that_may_still_come_is_waited_for_unless_it_is_the_end() {
    let needs = condition("{ req.payload(0,4) -m str abcd }", &Table::new()).unwrap();
    let negated = condition("! { req.payload(0,4) -m str abcd }", &Table::new()).unwrap();
    let mut txn = txn();
    txn.req.push_input(b"ab");
    let check = |which: &Condition, txn: &Txn, end: bool| {
        which.check(&Ctx::new(txn, Direction::Request, end))
    };
    assert_eq!(check(&needs, &txn, false), Truth::Miss);
    assert_eq!(check(&negated, &txn, false), Truth::Miss);
    assert_eq!(check(&needs, &txn, true), Truth::Fail);
    txn.req.push_input(b"cd");
    assert_eq!(check(&needs, &txn, false), Truth::Pass);
}

#[test]
fn every_mistake_of_a_condition_is_reported_with_its_word() {
    let errors = condition("{ foo } or bar { int(1) a }", &Table::new()).unwrap_err();
    let found: Vec<(usize, String)> =
        errors.iter().map(|error| (error.word, error.to_string())).collect();
    assert_eq!(
        found,
        [
            (1, "unknown fetch method 'foo' in ACL expression 'foo'".to_owned()),
            (4, "no such ACL : 'bar'".to_owned()),
            (7, "'a' is not a number".to_owned()),
        ]
    );
}

#[test]
fn scripts_take_part_in_expressions_conditions_and_formats() {
    let table = Table::new();
    let expr = with_env(&table, |env| {
        Expr::parse_whole("lua.twice(a,b),upper,set-var(txn.v),lua.twice", env).unwrap()
    });
    assert!(expr.is_scripted() && expr.uses_shared_state(&Twice));
    let format = with_env(&table, |env| {
        Format::parse("<%[lua.twice(x)]|%[str(y),lua.twice]|%f>", env, Options::PLAIN).unwrap()
    });
    let holds = condition("{ lua.twice(a) aa } ! { str(b),lua.twice b }", &table).unwrap();
    let txn = txn().into_shared();
    let scripts: Rc<dyn Scripts> = Rc::new(Twice);
    let (direction, is_final) = (Direction::Request, true);
    let eval = Eval { txn: &txn, direction, is_final, scripts: &scripts };
    let (sample, text, truth) = task::block_on(async {
        (expr.eval(eval).await, format.eval(eval).await, holds.eval(eval).await)
    })
    .unwrap();
    let upper = Value::Str("ABAB".into());
    assert_eq!(sample, Some(Value::Str("ABABABAB".into())));
    assert_eq!(txn.borrow().var(Scope::Txn, "v"), Some(upper));
    assert_eq!(text, "<xx|yy|f>");
    assert_eq!(truth, Truth::Pass);
}

#[test]
fn scripts_give_arguments_as_values() {
    let table = Table::new();
    let hdr = find_fetch("req.hdr").unwrap();
    let int = find_fetch("int").unwrap();
    let text = |text: &'static str| Value::Str(Bytes::from_static(text.as_bytes()));
    with_env(&table, |env| {
        let arguments = hdr.arguments(&[text("host"), Value::Int(2)], env).unwrap();
        assert_eq!((arguments.lossy(0), arguments.int(1)), ("host".to_owned(), Some(2)));
        let numeric = hdr.arguments(&[text("host"), text("3")], env).unwrap();
        assert_eq!(numeric.int(1), Some(3));
        for (values, at, message) in [
            (vec![text("a"), text("b")], 1, "integer expected"),
            (vec![text("a"), Value::Int(1), Value::Int(1)], 2, "Last argument expected"),
        ] {
            let (index, reason) = hdr.arguments(&values, env).unwrap_err();
            assert_eq!((index, reason.to_string()), (at, message.to_owned()));
        }
        let (_, reason) = int.arguments(&[], env).unwrap_err();
        assert_eq!(reason.to_string(), "Mandatory argument expected");
    });
}

#[test]
fn a_format_without_variables_is_constant() {
    let table = Table::new();
    with_env(&table, |env| {
        let format = Format::parse("a 100%% b", env, Options::PLAIN).unwrap();
        assert_eq!(format.as_constant().map(|text| &text[..]), Some(&b"a 100% b"[..]));
        let error = Format::parse("%HM", env, Options::LOG).unwrap_err().remove(0);
        assert_eq!(error.to_string(), "format variable 'HM' is reserved for HTTP mode");
    });
}

proptest::proptest! {
    #[test]
    fn any_text_parses_or_is_refused_in_its_own_bytes(text in "\\PC{0,40}") {
        let table = Table::new();
        with_env(&table, |env| {
            for error in [
                Expr::parse_words(&[&text], env).err(),
                Format::parse(&text, env, Options::LOG).err().map(|mut errors| errors.remove(0)),
            ].into_iter().flatten() {
                assert!(error.range.end <= text.len(), "{error:?}");
            }
        });
    }

    #[test]
    fn any_keyword_like_text_is_no_panic(
        text in "(str|int|req.hdr|var|path)(\\([a-z0-9,.'\"\\\\]{0,9}\\)?)?(,(lower|word|add|bytes|field)(\\([a-z0-9,.'\"]{0,9}\\)?)?){0,3}",
    ) {
        let table = Table::new();
        with_env(&table, |env| {
            if let Ok((expr, used)) = Expr::parse_words(&[&text], env) {
                assert_eq!(used, 1);
                expr.sample(&Ctx::new(&txn(), Direction::Request, true));
            }
        });
    }
}
