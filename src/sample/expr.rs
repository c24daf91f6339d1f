//! Expressions: a fetch and the converters its sample goes through (HAProxy manual 7.1).

use bytes::Bytes;

use crate::script;
use crate::value::Type;
use crate::value::Value;
use crate::value::can_cast;

use super::argument;
use super::argument::Arguments;
use super::checkpoint::Checkpoint;
use super::checkpoint::Source;
use super::checkpoint::is_available;
use super::checkpoint::source_names;
use super::condition::Condition;
use super::context::Ctx;
use super::context::Env;
use super::context::Eval;
use super::converter::Converter;
use super::converter::converters;
use super::converter::find_converter;
use super::error::Error;
use super::error::Reason;
use super::error::nearest;
use super::fetch::Fetch;
use super::fetch::fetches;
use super::fetch::find_fetch;
use super::known;

/// A fetch, then converters.
#[derive(Clone, Debug)]
pub struct Expr {
    name: String,
    head: Head,
    steps: Vec<Step>,
}

/// Where the sample comes from.
#[derive(Clone, Debug)]
enum Head {
    Native(&'static Fetch, Arguments),
    Script(script::Id, Vec<Bytes>),
    /// `acl(name,...)`
    Acl(Box<Condition>),
}

/// What happens to the sample.
#[derive(Clone, Debug)]
enum Step {
    Native(&'static Converter, Arguments),
    Script(script::Id, Vec<Bytes>),
}

/// A sample, and whether the fetch waits for more data.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sampled {
    pub(super) value: Option<Value>,
    pub(super) may_change: bool,
}

impl Expr {
    /// Parses the expression that a text begins with and returns how many bytes it has.
    ///
    /// The expression must be usable at the environment's checkpoint.
    pub fn parse(text: &str, env: &Env<'_>) -> Result<(Self, usize), Error> {
        let (expr, end) = Self::parse_anywhere(text, env)?;
        expr.check(env.checkpoint, text.get(..end).unwrap_or_default())?;
        Ok((expr, end))
    }

    /// Parses an expression that must be the whole text.
    pub fn parse_whole(text: &str, env: &Env<'_>) -> Result<Self, Error> {
        let (expr, end) = Self::parse_all(text, env)?;
        expr.check(env.checkpoint, text.get(..end).unwrap_or_default())?;
        Ok(expr)
    }

    /// Parses an expression at the start of some words and returns how many it takes: converters
    /// may stand in words of their own.
    pub fn parse_words(words: &[&str], env: &Env<'_>) -> Result<(Self, usize), Error> {
        let first = words.first().copied().unwrap_or_default();
        let (mut expr, _) = Self::parse_all(first, env)?;
        let mut used = 1;
        while let Some(word) = words.get(used) {
            let end = word.find(['(', ',']).unwrap_or(word.len());
            if find_converter(word.get(..end).unwrap_or_default()).is_none() {
                break;
            }
            let end = expr.parse_steps(word, 0, env).map_err(|error| error.in_word(used))?;
            expr.ends_at(word, end).map_err(|error| error.in_word(used))?;
            used += 1;
        }
        expr.check(env.checkpoint, first)?;
        Ok((expr, used))
    }

    /// Parses an expression that must be the whole text, wherever it stands.
    pub(super) fn parse_all(text: &str, env: &Env<'_>) -> Result<(Self, usize), Error> {
        let (expr, end) = Self::parse_anywhere(text, env)?;
        expr.ends_at(text, end)?;
        Ok((expr, end))
    }

    /// Parses the expression that a text begins with, wherever it stands.
    pub(super) fn parse_anywhere(text: &str, env: &Env<'_>) -> Result<(Self, usize), Error> {
        let end = keyword_end(text, 0);
        let name = text.get(..end).unwrap_or_default();
        if name.is_empty() {
            return Err(Error::new(0..text.len(), Reason::MissingFetch));
        }
        let (head, length) =
            parse_head(name, text.get(end..).unwrap_or_default(), env).map_err(|error| {
                if error.range.is_empty() { with_range(error, 0..end) } else { error }
            })?;
        let mut expr = Self { name: name.to_owned(), head, steps: Vec::new() };
        let end = expr.parse_rest(text, end + length, env)?;
        Ok((expr, end))
    }

    /// Returns an expression of a fetch that is known, whose arguments and converters follow its
    /// name in the text (`path_beg,lower`).
    pub(super) fn parse_after(
        fetch: &'static Fetch,
        text: &str,
        end: usize,
        env: &Env<'_>,
    ) -> Result<Self, Error> {
        let rest = text.get(end..).unwrap_or_default();
        let wrap = |error: Error| error.shifted(end);
        let written = argument::read(rest, fetch.signature.kinds.len()).map_err(wrap)?;
        let length = written.length;
        let arguments =
            argument::parse(&fetch.signature, written, fetch.name, env).map_err(wrap)?;
        let arguments = checked(arguments, &fetch.signature, env)
            .map_err(|reason| Error::new(end..end + length, reason))?;
        let head = Head::Native(fetch, arguments);
        let mut expr = Self { name: fetch.name.to_owned(), head, steps: Vec::new() };
        let end = expr.parse_rest(text, end + length, env)?;
        expr.ends_at(text, end)?;
        Ok(expr)
    }

    /// Returns the name of the fetch.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the type that samples have, as far as it is known.
    pub fn out(&self) -> Type {
        let mut out = match &self.head {
            Head::Native(fetch, _) => fetch.out,
            Head::Script(..) => Type::Str,
            Head::Acl(_) => Type::Bool,
        };
        for step in &self.steps {
            out = step.out(out);
        }
        out
    }

    /// Tells whether there are converters.
    pub fn is_converted(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Returns what is read: one of them must be there.
    pub fn sources(&self) -> &'static [Source] {
        match &self.head {
            Head::Native(fetch, _) => fetch.sources,
            Head::Script(..) | Head::Acl(_) => &[Source::Constant],
        }
    }

    /// Tells whether a script takes part, so that only [`Expr::eval`] gives the sample.
    pub fn is_scripted(&self) -> bool {
        let head = match &self.head {
            Head::Native(..) => false,
            Head::Script(..) => true,
            Head::Acl(condition) => condition.is_scripted(),
        };
        head || self.steps.iter().any(|step| matches!(step, Step::Script(..)))
    }

    /// Tells whether a script takes part that lives in the one state all workers share.
    pub fn uses_shared_state(&self, scripts: &dyn script::Registry) -> bool {
        let head = match &self.head {
            Head::Native(..) => false,
            Head::Script(id, _) => scripts.is_shared(script::Kind::Fetch, *id),
            Head::Acl(condition) => condition.uses_shared_state(scripts),
        };
        head || self.steps.iter().any(|step| match step {
            Step::Native(..) => false,
            Step::Script(id, _) => scripts.is_shared(script::Kind::Converter, *id),
        })
    }

    /// Gives the sample of an expression without scripts; of another it gives none.
    pub fn sample(&self, ctx: &Ctx<'_>) -> Option<Value> {
        let value = match &self.head {
            Head::Native(fetch, arguments) => (fetch.run)(ctx, arguments)?,
            Head::Script(..) => return None,
            Head::Acl(condition) => Value::Bool(condition.check(ctx).is_pass()),
        };
        self.convert(ctx, value)
    }

    /// Sends a sample through the converters.
    fn convert(&self, ctx: &Ctx<'_>, mut value: Value) -> Option<Value> {
        for step in &self.steps {
            match step {
                Step::Native(converter, arguments) => {
                    value = converter.convert(value, arguments, Some(ctx))?;
                }
                Step::Script(..) => return None,
            }
        }
        Some(value)
    }

    /// Gives all samples one by one, where the fetch has several for an ACL, until it is told that
    /// it is enough.
    pub(super) fn each(&self, ctx: &Ctx<'_>, found: &mut dyn FnMut(Value) -> bool) {
        if let Head::Native(Fetch { each: Some(each), .. }, arguments) = &self.head {
            each(ctx, arguments, &mut |value| self.convert(ctx, value).is_some_and(&mut *found));
        } else if let Some(value) = self.sample(ctx) {
            found(value);
        }
    }

    /// Gives the sample, and waits for scripts that take part.
    pub async fn eval(&self, eval: Eval<'_>) -> Option<Value> {
        self.eval_sampled(eval).await.value
    }

    /// Gives the sample as one of a type.
    pub async fn eval_as(&self, eval: Eval<'_>, to: Type) -> Option<Value> {
        self.eval(eval).await?.cast(to)
    }

    /// Gives the sample, and all of them where the fetch has several for an ACL.
    pub(super) async fn eval_each(&self, eval: Eval<'_>) -> Vec<Sampled> {
        let Head::Native(Fetch { each: Some(each), .. }, arguments) = &self.head else {
            return vec![self.eval_sampled(eval).await];
        };
        let mut values = Vec::new();
        let may_change = eval.native(|ctx| {
            each(ctx, arguments, &mut |value| {
                values.push(value);
                false
            });
            ctx.may_change()
        });
        let mut samples = vec![Sampled { value: None, may_change }];
        for value in values {
            let value = self.eval_steps(eval, Some(value)).await;
            samples.push(Sampled { value, may_change: false });
        }
        samples
    }

    async fn eval_sampled(&self, eval: Eval<'_>) -> Sampled {
        if !self.is_scripted() {
            return eval.native(|ctx| {
                let value = self.sample(ctx);
                Sampled { value, may_change: ctx.may_change() }
            });
        }
        let mut may_change = false;
        let value = match &self.head {
            Head::Native(fetch, arguments) => eval.native(|ctx| {
                let value = (fetch.run)(ctx, arguments);
                may_change = ctx.may_change();
                value
            }),
            Head::Script(id, arguments) => {
                let (id, txn, direction) = (*id, eval.txn, eval.direction);
                let call = script::Call::Fetch { id, txn, direction, arguments };
                called(eval, call).await
            }
            Head::Acl(condition) => {
                let truth = Box::pin(condition.eval(eval)).await;
                Some(Value::Bool(truth.is_pass()))
            }
        };
        Sampled { value: self.eval_steps(eval, value).await, may_change }
    }

    /// Sends a sample through the converters, and waits for scripts among them.
    async fn eval_steps(&self, eval: Eval<'_>, mut value: Option<Value>) -> Option<Value> {
        for step in &self.steps {
            let input = value?;
            value = match step {
                Step::Native(converter, arguments) => {
                    eval.native(|ctx| converter.convert(input, arguments, Some(ctx)))
                }
                Step::Script(id, arguments) => match input.cast(Type::Str) {
                    Some(input) => {
                        let call = script::Call::Converter { id: *id, input, arguments };
                        called(eval, call).await
                    }
                    None => None,
                },
            };
        }
        value
    }

    /// Fails where nothing that the expression reads is there.
    fn check(&self, checkpoint: Checkpoint, text: &str) -> Result<(), Error> {
        if is_available(self.sources(), checkpoint) {
            return Ok(());
        }
        let (keyword, sources) = (text.to_owned(), source_names(self.sources()));
        Err(Error::new(0..self.name.len(), Reason::NotHere { keyword, sources }))
    }

    /// Fails where an expression is followed by something.
    fn ends_at(&self, text: &str, end: usize) -> Result<(), Error> {
        if end == text.len() {
            return Ok(());
        }
        let converter = !self.steps.is_empty();
        let name = self.steps.last().map_or(&*self.name, Step::name).to_owned();
        Err(Error::new(end..text.len(), Reason::MissingComma { converter, name }))
    }

    /// Parses `,converter,...` from a place in the text; returns where it ends.
    fn parse_rest(&mut self, text: &str, mut at: usize, env: &Env<'_>) -> Result<usize, Error> {
        while text.as_bytes().get(at) == Some(&b',') {
            let commas = text.as_bytes().iter().skip(at).take_while(|byte| **byte == b',');
            at += commas.count();
            if at >= text.len() {
                break;
            }
            at = self.parse_step(text, at, env)?;
        }
        Ok(at)
    }

    fn parse_steps(&mut self, text: &str, at: usize, env: &Env<'_>) -> Result<usize, Error> {
        let at = self.parse_step(text, at, env)?;
        self.parse_rest(text, at, env)
    }

    fn parse_step(&mut self, text: &str, start: usize, env: &Env<'_>) -> Result<usize, Error> {
        let end = keyword_end(text, start);
        let name = text.get(start..end).unwrap_or_default();
        let rest = text.get(end..).unwrap_or_default();
        let here = start..end;
        if let Some(name) = name.strip_prefix("lua.")
            && let Some(id) = env.scripts.find_converter(name)
        {
            let (arguments, length) = script_arguments(rest).map_err(|error| error.shifted(end))?;
            self.steps.push(Step::Script(id, arguments));
            return Ok(end + length);
        }
        let Some(converter) = find_converter(name) else {
            let reason = if known::is_known_converter(name) {
                Reason::UnsupportedConverter(name.to_owned())
            } else {
                Reason::UnknownConverter(name.to_owned())
            };
            let hint = match name.strip_prefix("lua.") {
                Some(name) => Some(script::hint(
                    |kind| env.scripts.names(kind),
                    script::Kind::Converter,
                    name,
                )),
                None => nearest(name, converters().map(|converter| converter.name)),
            };
            return Err(Error::new(here, reason).with_hint(hint));
        };
        if !can_cast(self.out(), converter.input) {
            let hint =
                format!("'{name}' takes {}, not {}", converter.input.name(), self.out().name());
            let reason = Reason::CannotApply(name.to_owned());
            return Err(Error::new(here, reason).with_hint(Some(hint)));
        }
        let signature = &converter.signature;
        let count = |error: &Error| match &error.reason {
            Reason::EmptyArgument { position, .. } | Reason::BadArgument { position, .. } => {
                *position
            }
            Reason::MissingArguments { got, .. } => got + 1,
            _ => 1,
        };
        let wrap = |error: Error| {
            let position = count(&error);
            let wrapped = |reason| Reason::ConverterArgument(position, name.to_owned(), reason);
            let empty = error.range.is_empty();
            let error = error.shifted(end).map(wrapped);
            if empty { with_range(error, start..end) } else { error }
        };
        let written = argument::read(rest, signature.kinds.len()).map_err(wrap)?;
        let length = written.length;
        let arguments = argument::parse(signature, written, &self.name, env).map_err(wrap)?;
        let arguments = checked(arguments, signature, env).map_err(|reason| {
            let reason = match reason {
                regex @ Reason::BadRegex { .. } => Reason::InRegex {
                    text: regex_text(&regex),
                    converter: converter.name,
                    fetch: self.name.as_str().into(),
                    reason: Box::new(regex),
                },
                other => Reason::ConverterArguments(name.to_owned(), Box::new(other)),
            };
            Error::new(start..end + length, reason)
        })?;
        self.steps.push(Step::Native(converter, arguments));
        Ok(end + length)
    }
}

impl Step {
    fn name(&self) -> &str {
        match self {
            Self::Native(converter, _) => converter.name,
            Self::Script(..) => "lua",
        }
    }

    fn out(&self, input: Type) -> Type {
        match self {
            Self::Native(converter, _) if converter.out == Type::Same => input,
            Self::Native(converter, _) => converter.out,
            Self::Script(..) => Type::Str,
        }
    }
}

/// Calls a script for a value.
async fn called(eval: Eval<'_>, call: script::Call<'_>) -> Option<Value> {
    match script::call(eval.scripts, call).await {
        script::Outcome::Value(value) => value,
        script::Outcome::Verdict(_) | script::Outcome::Served | script::Outcome::Failed => None,
        script::Outcome::Refused(status) => {
            eval.txn.borrow_mut().refused = Some(status);
            None
        }
    }
}

/// Returns where a keyword ends that starts in a text.
pub(super) fn keyword_end(text: &str, start: usize) -> usize {
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+:".contains(byte);
    start + text.as_bytes().iter().skip(start).take_while(|byte| legal(byte)).count()
}

fn with_range(mut error: Error, range: std::ops::Range<usize>) -> Error {
    error.range = range;
    error
}

/// Parses what follows a fetch's name; returns how many bytes that are.
fn parse_head(name: &str, rest: &str, env: &Env<'_>) -> Result<(Head, usize), Error> {
    let after = name.len();
    if name == "acl" {
        let (names, length) = script_arguments(rest).map_err(|error| error.shifted(after))?;
        let condition = acl_condition(&names, env).map_err(|error| {
            let error = with_range(error, after..after + length);
            error.map(|reason| Reason::FetchArguments(name.to_owned(), reason))
        })?;
        return Ok((Head::Acl(Box::new(condition)), length));
    }
    if let Some(name) = name.strip_prefix("lua.")
        && let Some(id) = env.scripts.find_fetch(name)
    {
        let (arguments, length) = script_arguments(rest).map_err(|error| error.shifted(after))?;
        return Ok((Head::Script(id, arguments), length));
    }
    let Some(fetch) = find_fetch(name) else {
        let reason = if known::is_known_fetch(name) {
            Reason::UnsupportedFetch(name.to_owned())
        } else {
            Reason::UnknownFetch(name.to_owned())
        };
        let hint = match name.strip_prefix("lua.") {
            Some(name) => {
                Some(script::hint(|kind| env.scripts.names(kind), script::Kind::Fetch, name))
            }
            None => nearest(name, fetches().map(|fetch| fetch.name)),
        };
        return Err(Error::new(0..after, reason).with_hint(hint));
    };
    let wrap = |error: Error| {
        let resolved = matches!(
            error.reason,
            Reason::Unresolved { .. } | Reason::NoServer { .. } | Reason::NoCapability { .. }
        );
        let error = error.shifted(after);
        if resolved { error } else { error.map(|reason| Reason::Fetch(name.to_owned(), reason)) }
    };
    let written = argument::read(rest, fetch.signature.kinds.len()).map_err(wrap)?;
    let length = written.length;
    let arguments = argument::parse(&fetch.signature, written, name, env).map_err(wrap)?;
    let arguments = checked(arguments, &fetch.signature, env).map_err(|reason| {
        let reason = Reason::FetchArguments(name.to_owned(), Box::new(reason));
        Error::new(after..after + length, reason)
    })?;
    Ok((Head::Native(fetch, arguments), length))
}

/// Returns the condition that all of these named ACLs make.
fn acl_condition(names: &[Bytes], env: &Env<'_>) -> Result<Condition, Error> {
    let names: Vec<String> =
        names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    Condition::parse(&words, false, env)
        .map_err(|errors| errors.into_iter().next().unwrap_or_else(missing_acl))
}

fn regex_text(reason: &Reason) -> String {
    match reason {
        Reason::BadRegex { text, .. } => text.clone(),
        _ => String::new(),
    }
}

fn missing_acl() -> Error {
    Error::new(0..0, Reason::UnknownAcl(String::new()))
}

/// Reads the arguments of a script's function: text, as many as there are (12 in HAProxy).
fn script_arguments(rest: &str) -> Result<(Vec<Bytes>, usize), Error> {
    let written = argument::read(rest, 12)?;
    let words = written.words.into_iter().map(|(_, word)| Bytes::from(word));
    Ok((words.collect(), written.length))
}

fn checked(
    mut arguments: Arguments,
    signature: &argument::Signature,
    env: &Env<'_>,
) -> Result<Arguments, Reason> {
    match signature.check {
        Some(check) => check(&mut arguments, env).map(|()| arguments),
        None => Ok(arguments),
    }
}
