//! What an author should look at: globals written by accident, waiting where nothing may wait, what
//! LuaJIT does not compile in loops of registered functions.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use full_moon::ast::Assignment;
use full_moon::ast::Block;
use full_moon::ast::Call;
use full_moon::ast::Expression;
use full_moon::ast::FunctionArgs;
use full_moon::ast::FunctionBody;
use full_moon::ast::FunctionCall;
use full_moon::ast::FunctionDeclaration;
use full_moon::ast::GenericFor;
use full_moon::ast::Index;
use full_moon::ast::LocalAssignment;
use full_moon::ast::LocalFunction;
use full_moon::ast::NumericFor;
use full_moon::ast::Parameter;
use full_moon::ast::Prefix;
use full_moon::ast::Repeat;
use full_moon::ast::Suffix;
use full_moon::ast::Var;
use full_moon::ast::While;
use full_moon::tokenizer::TokenReference;
use full_moon::visitors::Visitor;

use super::Error;
use super::Finding;
use super::check;
use super::parse;
use super::place;

type Place = (usize, usize);

/// A function that registers another.
struct Register {
    name: &'static str,
    /// Which argument the function is, from 0.
    argument: usize,
    /// What it registers, in a message.
    what: &'static str,
    waits: bool,
}

const REGISTERS: &[Register] = &[
    Register { name: "register_action", argument: 2, what: "an action", waits: true },
    Register { name: "register_converters", argument: 1, what: "a converter", waits: false },
    Register { name: "register_fetches", argument: 1, what: "a sample fetch", waits: false },
    Register { name: "register_service", argument: 2, what: "a service", waits: true },
];

/// Functions that wait, or begin what will.
const WAITING: &[&str] = &["core.httpclient", "core.msleep", "core.sleep", "core.tcp"];

/// Functions at which LuaJIT ends its machine code.
const NOT_COMPILED: &[&str] = &[
    "collectgarbage",
    "coroutine.create",
    "coroutine.resume",
    "coroutine.wrap",
    "coroutine.yield",
    "debug.traceback",
    "getfenv",
    "load",
    "loadstring",
    "os.clock",
    "os.date",
    "os.time",
    "print",
    "require",
    "setfenv",
    "string.gmatch",
    "string.gsub",
    "string.match",
    "table.sort",
    "table.unpack",
    "unpack",
];

/// The same as methods of strings.
const METHODS: &[&str] = &["gmatch", "gsub", "match"];

/// Returns all that is to be said of a script, in the order of its places.
pub fn lint(source: &[u8]) -> Result<Vec<Finding>, Error> {
    let ast = parse(source)?;
    let mut lint = Lint { scopes: vec![HashSet::new()], ..Lint::default() };
    lint.visit_ast(&ast);
    let mut found = check::check(&ast);
    lint.conclude(&mut found);
    found.sort_by_key(|finding| finding.place);
    Ok(found)
}

/// What a function does that may matter to those who call it.
#[derive(Default)]
struct Function {
    place: Place,
    /// How many loops are open where the script stands.
    loops: usize,
    calls: Vec<String>,
    waits: Vec<(Place, String)>,
    slow: Vec<(Place, String)>,
    /// Another function runs it, at another time.
    is_apart: bool,
}

/// A function that the proxy calls.
struct Root {
    row: &'static Register,
    function: Target,
}

enum Target {
    Place(Place),
    Name(String),
}

#[derive(Default)]
struct Lint {
    /// The local names of each open block.
    scopes: Vec<HashSet<String>>,
    functions: Vec<Function>,
    /// The open functions.
    open: Vec<usize>,
    /// Which function a name stands for.
    named: HashMap<String, Place>,
    roots: Vec<Root>,
    /// Functions that are given to somebody who calls them later.
    apart: HashSet<Place>,
    /// Globals that the script writes outside of functions: those are meant.
    meant: HashSet<String>,
    globals: Vec<(Place, String)>,
}

impl Lint {
    fn declare(&mut self, name: &TokenReference) {
        let name = text(name);
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name);
        }
    }

    fn is_local(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.contains(name))
    }

    fn write(&mut self, name: &TokenReference) {
        let written = text(name);
        if self.is_local(&written) || written == "_" {
            return;
        }
        if self.open.is_empty() {
            self.meant.insert(written);
        } else {
            self.globals.push((at(name), written));
        }
    }

    /// Notes something of the open functions, up to one that is called apart.
    fn note(&mut self, note: impl Fn(&mut Function)) {
        for index in self.open.iter().rev() {
            let Some(function) = self.functions.get_mut(*index) else { return };
            note(function);
            if function.is_apart {
                return;
            }
        }
    }

    fn in_loop(&self) -> bool {
        let function = self.open.last().and_then(|index| self.functions.get(*index));
        function.is_some_and(|function| function.loops > 0)
    }

    fn loops(&mut self, enters: bool) {
        let Some(function) = self.open.last().and_then(|index| self.functions.get_mut(*index))
        else {
            return;
        };
        function.loops = if enters { function.loops + 1 } else { function.loops.saturating_sub(1) };
    }

    fn call(&mut self, name: &str, call: Place) {
        if WAITING.contains(&name) {
            self.note(|function| function.waits.push((call, name.to_owned())));
        } else if NOT_COMPILED.contains(&name) {
            self.slow(call, &format!("'{name}'"));
        } else if !name.contains('.') {
            self.note(|function| function.calls.push(name.to_owned()));
        }
    }

    fn slow(&mut self, place: Place, what: &str) {
        if self.in_loop() {
            self.note(|function| function.slow.push((place, what.to_owned())));
        }
    }

    /// Looks whether a call hands a function on.
    fn registers(&mut self, name: &str, args: &FunctionArgs) {
        let FunctionArgs::Parentheses { arguments, .. } = args else { return };
        let Some(name) = name.strip_prefix("core.register_") else { return };
        let row = REGISTERS.iter().find(|row| row.name.ends_with(name));
        for argument in arguments {
            if let Expression::Function(function) = argument {
                self.apart.insert(place(function.body()));
            }
        }
        let Some(row) = row else { return };
        let function = match arguments.iter().nth(row.argument) {
            Some(Expression::Function(function)) => Target::Place(place(function.body())),
            Some(Expression::Var(Var::Name(name))) => Target::Name(text(name)),
            _ => return,
        };
        self.roots.push(Root { row, function });
    }

    /// Adds what is known once the whole script is.
    fn conclude(self, found: &mut Vec<Finding>) {
        let mut add = |rule, place, message: String, hint: &str| {
            let hint = Some(hint.to_owned());
            found.push(Finding { rule, place, message, hint, fix: Vec::new() });
        };
        for (place, name) in &self.globals {
            if !self.meant.contains(name) {
                let message = format!("the global '{name}' is written in a function");
                let hint = format!("all calls share it: 'local {name}' is one for each call");
                add("global", *place, message, &hint);
            }
        }
        let mut told = BTreeSet::new();
        for root in &self.roots {
            let what = root.row.what;
            let reached = self.reached(&root.function);
            let waits = reached.iter().flat_map(|function| &function.waits);
            for (place, name) in waits.filter(|_| !root.row.waits) {
                if told.insert(*place) {
                    let message = format!("'{name}' waits, and is reached from {what}");
                    add("wait", *place, message, "nothing may wait there: let a task do it");
                }
            }
            for (place, name) in reached.iter().flat_map(|function| &function.slow) {
                if told.insert(*place) {
                    let message = format!("{name} in a loop of {what} is not compiled");
                    add("jit", *place, message, "LuaJIT's machine code ends there, in each round");
                }
            }
        }
    }

    /// Returns the functions that a registered one calls by their names, itself included.
    fn reached(&self, root: &Target) -> Vec<&Function> {
        let by_name = |name: &String| self.named.get(name).copied();
        let mut places: Vec<Place> = match root {
            Target::Place(place) => vec![*place],
            Target::Name(name) => by_name(name).into_iter().collect(),
        };
        let (mut seen, mut found) = (HashSet::new(), Vec::new());
        while let Some(place) = places.pop() {
            let function = self.functions.iter().find(|function| function.place == place);
            if let Some(function) = function.filter(|_| seen.insert(place)) {
                places.extend(function.calls.iter().filter_map(by_name));
                found.push(function);
            }
        }
        found
    }
}

impl Visitor for Lint {
    fn visit_block(&mut self, _: &Block) {
        self.scopes.push(HashSet::new());
    }

    fn visit_block_end(&mut self, _: &Block) {
        self.scopes.pop();
    }

    fn visit_function_body(&mut self, body: &FunctionBody) {
        let own = place(body);
        if self.in_loop() && !self.apart.contains(&own) {
            self.slow(own, "a function made");
        }
        let is_apart = self.apart.contains(&own);
        self.open.push(self.functions.len());
        self.functions.push(Function { place: own, is_apart, ..Function::default() });
        self.scopes.push(HashSet::new());
        // The method's own.
        self.scopes.last_mut().map(|scope| scope.insert("self".to_owned()));
        for parameter in body.parameters() {
            if let Parameter::Name(name) = parameter {
                self.declare(name);
            }
        }
    }

    fn visit_function_body_end(&mut self, _: &FunctionBody) {
        self.open.pop();
        self.scopes.pop();
    }

    fn visit_local_assignment(&mut self, local: &LocalAssignment) {
        for name in local.names() {
            self.declare(name);
        }
        for (name, value) in local.names().iter().zip(local.expressions()) {
            if let Expression::Function(function) = value {
                self.named.insert(text(name), place(function.body()));
            }
        }
    }

    fn visit_local_function(&mut self, function: &LocalFunction) {
        self.declare(function.name());
        self.named.insert(text(function.name()), place(function.body()));
    }

    fn visit_function_declaration(&mut self, function: &FunctionDeclaration) {
        let name = function.name();
        let mut names = name.names().iter();
        if let (Some(first), None, None) = (names.next(), names.next(), name.method_name()) {
            self.named.insert(text(first), place(function.body()));
            self.write(first);
        }
    }

    fn visit_assignment(&mut self, assignment: &Assignment) {
        for (var, value) in assignment.variables().iter().zip(assignment.expressions()) {
            if let (Var::Name(name), Expression::Function(function)) = (var, value) {
                self.named.insert(text(name), place(function.body()));
            }
        }
        for var in assignment.variables() {
            if let Var::Name(name) = var {
                self.write(name);
            }
        }
    }

    fn visit_numeric_for(&mut self, numeric: &NumericFor) {
        self.loops(true);
        self.scopes.push(HashSet::new());
        self.declare(numeric.index_variable());
    }

    fn visit_numeric_for_end(&mut self, _: &NumericFor) {
        self.scopes.pop();
        self.loops(false);
    }

    fn visit_generic_for(&mut self, generic: &GenericFor) {
        self.loops(true);
        self.scopes.push(HashSet::new());
        for name in generic.names() {
            self.declare(name);
        }
    }

    fn visit_generic_for_end(&mut self, _: &GenericFor) {
        self.scopes.pop();
        self.loops(false);
    }

    fn visit_while(&mut self, _: &While) {
        self.loops(true);
    }

    fn visit_while_end(&mut self, _: &While) {
        self.loops(false);
    }

    fn visit_repeat(&mut self, _: &Repeat) {
        self.loops(true);
    }

    fn visit_repeat_end(&mut self, _: &Repeat) {
        self.loops(false);
    }

    fn visit_function_call(&mut self, call: &FunctionCall) {
        let mut name = match call.prefix() {
            Prefix::Name(name) => text(name),
            _ => String::new(),
        };
        let start = place(call).0;
        for suffix in call.suffixes() {
            let place = (start, place(suffix).1);
            match suffix {
                Suffix::Index(Index::Dot { name: field, .. }) => {
                    name = format!("{name}.{}", text(field));
                }
                Suffix::Call(Call::AnonymousCall(args)) => {
                    self.registers(&name, args);
                    self.call(&std::mem::take(&mut name), place);
                }
                Suffix::Call(Call::MethodCall(method)) => {
                    let method = text(method.name());
                    if METHODS.contains(&method.as_str()) {
                        self.slow(place, &format!("'string.{method}'"));
                    }
                    name.clear();
                }
                _ => name.clear(),
            }
        }
    }
}

fn text(token: &TokenReference) -> String {
    token.token().to_string()
}

fn at(token: &TokenReference) -> Place {
    (token.token().start_position().bytes(), token.token().end_position().bytes())
}
