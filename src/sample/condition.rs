//! Conditions: `if` and `unless` with what follows them.

use std::sync::Arc;

use crate::script;

use super::acl::Acl;
use super::acl::Test;
use super::checkpoint::is_available;
use super::context::Ctx;
use super::context::Env;
use super::context::Eval;
use super::error::Error;
use super::error::Reason;

/// What a condition says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// More data is needed to tell.
    Miss,
}

impl Truth {
    /// Tells whether it holds.
    pub fn is_pass(self) -> bool {
        self == Self::Pass
    }

    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Pass, _) | (_, Self::Pass) => Self::Pass,
            (Self::Miss, _) | (_, Self::Miss) => Self::Miss,
            (Self::Fail, Self::Fail) => Self::Fail,
        }
    }

    fn negated_if(self, negate: bool) -> Self {
        match self {
            Self::Pass if negate => Self::Fail,
            Self::Fail if negate => Self::Pass,
            other => other,
        }
    }
}

/// ACLs joined by "and" and "or".
#[derive(Clone, Debug)]
pub struct Condition {
    /// All terms of one of them must hold.
    suites: Vec<Vec<Term>>,
    negate: bool,
    warnings: Vec<Error>,
}

#[derive(Clone, Debug)]
struct Term {
    acl: Arc<Acl>,
    negate: bool,
}

impl Condition {
    /// Parses the words after `if`, or after `unless` with `negate`.
    pub fn parse(words: &[&str], negate: bool, env: &Env<'_>) -> Result<Self, Vec<Error>> {
        let mut condition = Self { suites: vec![Vec::new()], negate, warnings: Vec::new() };
        let mut errors = Vec::new();
        let mut index = 0;
        let mut negated = false;
        while let Some(word) = words.get(index) {
            let name = word.trim_start_matches('!');
            let signs = word.len() - name.len();
            negated ^= signs % 2 == 1;
            index += 1;
            match name {
                "" => continue,
                "or" | "||" if signs == 0 => {
                    condition.suites.push(Vec::new());
                    negated = false;
                    continue;
                }
                _ => {}
            }
            let at = index - 1;
            let acl = if name == "{" {
                let rest = words.get(index..).unwrap_or_default();
                let Some(length) = rest.iter().position(|word| *word == "}") else {
                    errors.push(Error::new(0..word.len(), Reason::MissingBrace).in_word(at));
                    break;
                };
                let start = index;
                index += length + 1;
                let inner = rest.get(..length).unwrap_or_default();
                let move_in = |error: Error| {
                    let word = error.word + start;
                    error.in_word(word)
                };
                Test::parse(inner, env).map_err(move_in).map(|(test, warnings)| {
                    condition.warnings.extend(warnings.into_iter().map(move_in));
                    Arc::new(Acl::new(None, test))
                })
            } else {
                env.acls.resolve(name, env).map_err(|error| error.shifted(signs).in_word(at))
            };
            match acl {
                Ok(acl) => {
                    condition.warn(&acl, at, word, env);
                    if let Some(suite) = condition.suites.last_mut() {
                        suite.push(Term { acl, negate: negated });
                    }
                }
                Err(error) => errors.push(error),
            }
            negated = false;
        }
        condition.suites.retain(|suite| !suite.is_empty());
        if errors.is_empty() { Ok(condition) } else { Err(errors) }
    }

    /// Returns what is probably not meant, though it is legal.
    pub fn warnings(&self) -> &[Error] {
        &self.warnings
    }

    /// Tells whether a script takes part, so that only [`Condition::eval`] tells the truth.
    pub fn is_scripted(&self) -> bool {
        self.acls().any(Acl::is_scripted)
    }

    /// Tells whether a script takes part that lives in the one state all workers share.
    pub fn uses_shared_state(&self, scripts: &dyn script::Registry) -> bool {
        self.acls().any(|acl| acl.uses_shared_state(scripts))
    }

    /// Tells the truth where no script takes part.
    pub fn check(&self, ctx: &Ctx<'_>) -> Truth {
        let mut truth = Truth::Fail;
        for suite in &self.suites {
            let mut all = Truth::Pass;
            for term in suite {
                all = term.acl.check(ctx).negated_if(term.negate);
                if all != Truth::Pass {
                    break;
                }
            }
            truth = truth.or(all);
            if truth == Truth::Pass {
                break;
            }
        }
        truth.negated_if(self.negate)
    }

    /// Tells the truth, and waits for scripts that take part.
    pub async fn eval(&self, eval: Eval<'_>) -> Truth {
        if !self.is_scripted() {
            return eval.native(|ctx| self.check(ctx));
        }
        let mut truth = Truth::Fail;
        for suite in &self.suites {
            let mut all = Truth::Pass;
            for term in suite {
                all = term.acl.eval(eval).await.negated_if(term.negate);
                if all != Truth::Pass {
                    break;
                }
            }
            truth = truth.or(all);
            if truth == Truth::Pass {
                break;
            }
        }
        truth.negated_if(self.negate)
    }

    fn acls(&self) -> impl Iterator<Item = &Acl> {
        self.suites.iter().flatten().map(|term| &*term.acl)
    }

    /// Warns of an ACL that reads what is not there.
    fn warn(&mut self, acl: &Acl, word: usize, text: &str, env: &Env<'_>) {
        let dead = acl.tests().find(|test| !is_available(test.expr.sources(), env.checkpoint));
        if let Some(test) = dead {
            let acl = acl.name().map(ToOwned::to_owned);
            let (keyword, checkpoint) = (test.keyword.clone(), env.checkpoint.name());
            let reason = Reason::NeverMatches { acl, keyword, checkpoint };
            self.warnings.push(Error::new(0..text.len(), reason).in_word(word));
        }
    }
}
