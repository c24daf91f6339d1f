//! Operators on 64 bits are those of Rust's integers, as far as doubles hold them.

use std::rc::Rc;

use proptest::prelude::BoxedStrategy;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_oneof;

use super::super::book::Book;
use super::super::book::Info;
use super::super::book::Place;
use super::super::meter::Limits;
use super::super::raw::Ret;
use super::super::vm::Options;
use super::super::vm::Reach;
use super::super::vm::Vm;
use crate::dialect;

fn vm() -> Vm {
    let vm = Vm::new(Options { id: 0, jit: true, reach: Reach::GLOBAL }).unwrap();
    let (book, weak) = (Rc::new(Book::default()), vm.downgrade());
    let info = Info { book, place: Place::Shared, number: 0, vm: weak, tenant: None };
    vm.set_up(info).unwrap();
    vm
}

#[derive(Clone, Debug)]
enum Term {
    Number(i64),
    Not(Box<Self>),
    Pair(Box<Self>, &'static str, Box<Self>),
}

impl Term {
    fn text(&self) -> String {
        match self {
            Self::Number(number) => format!("({number})"),
            Self::Not(term) => format!("~{}", term.text()),
            Self::Pair(left, operator, right) => {
                format!("({} {operator} {})", left.text(), right.text())
            }
        }
    }

    /// Returns the value; `None` where one on the way to it is no double.
    fn value(&self) -> Option<i64> {
        Some(match self {
            Self::Number(number) => *number,
            Self::Not(term) => !exact(term.value()?)?,
            Self::Pair(left, operator, right) => {
                let (left, right) = (exact(left.value()?)?, exact(right.value()?)?);
                match *operator {
                    "&" => left & right,
                    "|" => left | right,
                    "~" => left ^ right,
                    "<<" => shift(left, right),
                    ">>" => shift(left, right.checked_neg()?),
                    _ if right == 0 => return None,
                    _ => {
                        let is_below = left % right != 0 && (left < 0) != (right < 0);
                        left / right - i64::from(is_below)
                    }
                }
            }
        })
    }
}

/// Returns an integer that is a double, and of whose neighbours division makes no difference.
fn exact(number: i64) -> Option<i64> {
    (number.unsigned_abs() <= 1 << 53).then_some(number)
}

fn shift(number: i64, count: i64) -> i64 {
    let bits = number.cast_unsigned();
    let amount = u32::try_from(count.unsigned_abs()).unwrap_or(u32::MAX);
    let shifted = if count < 0 { bits.checked_shr(amount) } else { bits.checked_shl(amount) };
    shifted.unwrap_or(0).cast_signed()
}

fn number() -> impl Strategy<Value = i64> {
    let near = prop_oneof![Just(1_i64 << 31), Just(1 << 32), Just(0), Just(1 << 53), Just(64)];
    prop_oneof![
        -(1_i64 << 53)..=1 << 53,
        -(1_i64 << 33)..1 << 33,
        -70_i64..70,
        (near, -2_i64..=2, proptest::bool::ANY).prop_map(|(near, off, minus)| {
            let number = (near + off).min(1 << 53);
            if minus { -number } else { number }
        }),
    ]
}

fn term() -> BoxedStrategy<Term> {
    let operator = proptest::sample::select(vec!["&", "|", "~", "<<", ">>", "//"]);
    let leaf = number().prop_map(Term::Number);
    leaf.prop_recursive(4, 24, 2, move |inner| {
        prop_oneof![
            1 => inner.clone().prop_map(|term| Term::Not(Box::new(term))),
            4 => (inner.clone(), operator.clone(), inner).prop_map(|(left, operator, right)| {
                Term::Pair(Box::new(left), operator, Box::new(right))
            }),
        ]
    })
    .boxed()
}

thread_local! {
    static VM: Vm = vm();
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(3000))]
    #[test]
    fn operators_are_those_of_integers(term in term()) {
        let Some(expected) = term.value() else { return Ok(()) };
        let source = dialect::transform(format!("return {}", term.text()).as_bytes()).unwrap();
        let found = VM.with(|vm| vm.run(&vm.load("t.lua", &source).unwrap(), &[], Limits::NONE));
        #[expect(clippy::cast_precision_loss, reason = "that is what is promised")]
        let expected = Ret::Number(expected as f64);
        proptest::prop_assert_eq!(found.unwrap(), expected, "{}", term.text());
    }
}

#[test]
fn bit32_is_that_of_lua_5_2() {
    for (source, expected) in [
        ("bit32.band()", "4294967295"),
        ("bit32.band(0xFFFFFFFF, 0x80000001)", "2147483649"),
        ("bit32.band(-1, 2 ^ 40 + 5)", "5"),
        ("bit32.bor(1, 2, 4, 0x80000000)", "2147483655"),
        ("bit32.bxor(0xFF, 0x0F)", "240"),
        ("bit32.bnot(0)", "4294967295"),
        ("bit32.btest(6, 1), bit32.btest(6, 2)", "false true"),
        ("bit32.lshift(1, 31), bit32.lshift(1, 32), bit32.lshift(4, -1)", "2147483648 0 2"),
        ("bit32.rshift(0x80000000, 31), bit32.rshift(1, 40), bit32.rshift(1, -1)", "1 0 2"),
        ("bit32.arshift(0x80000000, 31), bit32.arshift(0x80000000, 99)", "4294967295 4294967295"),
        ("bit32.arshift(4, 1), bit32.arshift(4, -1)", "2 8"),
        ("bit32.lrotate(0x80000001, 1), bit32.rrotate(1, 1)", "3 2147483648"),
        ("bit32.lrotate(5, 32), bit32.lrotate(1, -1)", "5 2147483648"),
        (
            "bit32.extract(0xABCD, 4, 8), bit32.extract(0xABCD, 0), bit32.extract(-1, 0, 32)",
            "188 1 4294967295",
        ),
        ("bit32.replace(0, 0xFF, 4, 4), bit32.replace(0xFFFFFFFF, 0, 0, 32)", "240 0"),
        ("pcall(bit32.extract, 1, 31, 2)", "false trying to access non-existent bits"),
        ("pcall(bit32.band, {})", "false bad argument #1 to 'band' (number expected, got table)"),
        (
            "require('bit32') == bit32, require('utf8') == utf8, require('bit64') == bit64",
            "true true true",
        ),
    ] {
        let vm = vm();
        let source = format!(
            "local t = {{ {source} }} for i = 1, #t do t[i] = tostring(t[i]):gsub('^[^ ]+:%d+: ', '') end
             return table.concat(t, ' ')"
        );
        let found = vm.run(&vm.load("t.lua", source.as_bytes()).unwrap(), &[], Limits::NONE);
        assert_eq!(found.unwrap(), Ret::Str(expected.as_bytes().to_vec()), "{source}");
    }
}
