//! Loads scripts while a configuration is compiled, and again for each further worker.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use futures_lite::future;
use mlua::Function;
use mlua::Value;

use super::account::Account;
use super::api::Entries;
use super::book::Entry;
use super::book::Info;
use super::book::Init;
use super::book::Place;
use super::chunk;
use super::chunk::Chunk;
use super::current;
use super::current::Context;
use super::current::Current;
use super::driver;
use super::error::Error;
use super::library;
use super::meter::Limits;
use super::raw::Arg;
use super::scripts::Host;
use super::tenants::Known;
use super::vm::Options;
use super::vm::Reach;
use super::vm::Vm;
use super::watchdog;
use crate::dialect;
use crate::dialect::Dialect;
use crate::proxy;
use crate::script;
use crate::script::FunctionError;
use crate::script::Id;
use crate::script::Kind;
use crate::script::Load;
use crate::script::LoadError;
use crate::script::Setting;

/// What was loaded and registered: enough to make another worker's host.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    loads: Vec<(Load, Arc<[u8]>)>,
    paths: Vec<(String, bool)>,
    settings: Vec<Setting>,
    /// The names of each table in the order of their ids.
    names: Vec<(Kind, Vec<Name>)>,
    /// What scripts see of the configuration.
    proxies: Option<Arc<proxy::Set>>,
    tenants: Vec<Known>,
}

/// A registered name, without the function, which belongs to one worker.
#[derive(Clone, Debug)]
struct Name {
    name: String,
    place: Place,
    global: bool,
}

impl Host {
    /// Returns what other workers need to become like this one.
    pub fn plan(&self) -> Plan {
        let mut plan = self.plan.borrow().clone();
        plan.proxies = self.book.proxies.borrow().clone();
        plan.tenants = self.known_tenants();
        plan.names = [Kind::Fetch, Kind::Converter, Kind::Action, Kind::Service]
            .into_iter()
            .map(|kind| {
                let table = self.book.table(kind).borrow();
                let name = |entry: &Entry| Name {
                    name: entry.name.clone(),
                    place: entry.place,
                    global: entry.global,
                };
                (kind, table.iter().map(name).collect())
            })
            .collect();
        plan
    }

    /// Makes the host of a further worker: it has its own state of `lua-load-per-thread` and not
    /// that of `lua-load`.
    pub fn from_plan(plan: &Plan, worker: usize) -> Result<Rc<Self>, LoadError> {
        let host = Self::new(worker);
        host.book.proxies.replace(plan.proxies.clone());
        for known in &plan.tenants {
            host.add_tenant(known.clone());
        }
        for (kind, names) in &plan.names {
            *host.book.table(*kind).borrow_mut() = names.iter().map(Name::entry).collect();
        }
        for setting in &plan.settings {
            host.apply(setting);
        }
        for (path, native) in &plan.paths {
            host.add_path(path, *native)?;
        }
        for (load, source) in plan.loads.iter().filter(|(load, _)| load.per_thread) {
            host.load_source(load, source)?;
        }
        for name in plan.globals() {
            if host.find_global(&name.name, name.place).is_err() {
                let message = format!("Lua function '{}' not found", name.name);
                return Err(LoadError { message, traceback: Vec::new() });
            }
        }
        host.init()?;
        host.plan.replace(plan.clone());
        Ok(host)
    }

    /// Returns a state, making it when there is none.
    pub(super) fn open(&self, per_thread: bool) -> Result<Vm, LoadError> {
        let place = if per_thread { Place::Own } else { Place::Shared };
        if let Some(vm) = self.vm(place) {
            return Ok(vm);
        }
        let worker = u32::try_from(self.book.worker).unwrap_or(0);
        let number = if per_thread { worker.saturating_add(1) } else { 0 };
        let vm = self.make(place, number).map_err(|error| failure(&error))?;
        for (path, native) in &self.plan.borrow().paths {
            prepend(&vm, path, *native).map_err(|error| failure(&error))?;
        }
        let slot = if per_thread { &self.own } else { &self.shared };
        slot.replace(Some(vm.clone()));
        Ok(vm)
    }

    fn make(&self, place: Place, number: u32) -> Result<Vm, Error> {
        let settings = self.book.settings.borrow().clone();
        let grants =
            |name: &str| settings.libraries.iter().flatten().any(|library| library == name);
        let reach = Reach::Global { ffi: grants("ffi"), bytecode: grants("bytecode") };
        let vm = Vm::new(Options { id: number, jit: true, reach })?;
        let book = Rc::clone(&self.book);
        vm.set_up(Info { book, place, number, vm: vm.downgrade(), tenant: None })?;
        if let Some(libraries) = &settings.libraries {
            vm.keep_libraries(libraries)?;
        }
        vm.limit_memory(settings.memory_max)?;
        Ok(vm)
    }

    fn load_source(&self, load: &Load, source: &[u8]) -> Result<(), LoadError> {
        let vm = self.open(load.per_thread)?;
        let limits = self.book.settings.borrow().for_load();
        let function = vm.load(&load.file, source).map_err(|error| syntax_error(load, &error))?;
        future::block_on(self.run_body(load, &function, &vm, limits))
    }

    /// Runs the body of a file in its state.
    pub(super) async fn run_body(
        &self,
        load: &Load,
        function: &Function,
        vm: &Vm,
        limits: Limits,
    ) -> Result<(), LoadError> {
        let arguments: Vec<Arg<'_>> =
            load.arguments.iter().map(|text| Arg::Str(text.as_bytes())).collect();
        let current = Current { context: Context::Body, txn: None };
        let (call, step) = current::with(&current, || vm.start(function, &arguments, limits));
        driver::finish(call, step, &current).await.map_err(|error| failure(&error))?;
        Ok(())
    }

    fn init(&self) -> Result<(), LoadError> {
        let inits = self.book.inits.take();
        for init in inits {
            let Some(vm) = self.vm(init.place) else { continue };
            let limits = match &init.used {
                Some(used) => used.tenant.for_body(&self.book),
                None => self.book.settings.borrow().for_load(),
            };
            future::block_on(self.call_init(&init, &vm, limits))?;
        }
        Ok(())
    }

    /// Runs a function given to `core.register_init`.
    pub(super) async fn call_init(
        &self,
        init: &Init,
        vm: &Vm,
        limits: Limits,
    ) -> Result<(), LoadError> {
        let current = Current { context: Context::Init, txn: None };
        let (call, step) = current::with(&current, || vm.start(&init.function, &[], limits));
        driver::finish(call, step, &current).await.map_err(|error| {
            let whose = init
                .used
                .as_ref()
                .map_or_else(String::new, |used| format!("tenant {}: ", used.tenant.policy().name));
            LoadError {
                message: format!("{whose}Lua init: {}", error.to_start(vm.id())),
                traceback: lines(&error),
            }
        })?;
        Ok(())
    }

    fn apply(&self, setting: &Setting) {
        let mut settings = self.book.settings.borrow_mut();
        match setting.clone() {
            Setting::MaxMemory(bytes) => settings.memory_max = bytes,
            Setting::Slice(slice) => watchdog::set_slice(slice),
            Setting::SessionTimeout(limit) => settings.session = limit,
            Setting::ServiceTimeout(limit) => settings.service = limit,
            Setting::TaskTimeout(limit) => settings.task = limit,
            Setting::BurstTimeout(limit) => settings.burst = limit,
            Setting::TenantJit(on) => settings.tenant_jit = on,
            Setting::IdleStates(count) => settings.idle_states = count,
            Setting::SpareStates(count) => settings.spare_states = count,
            Setting::LoadTimeout(limit) => settings.load = limit,
            Setting::LogLoggers(on) => settings.log_loggers = on,
            Setting::LogStderr(when) => settings.log_stderr = when,
            Setting::OpenLibs(libraries) => settings.libraries = libraries,
            Setting::BoolSamples(on) => settings.bool_samples = on,
            Setting::NilIsFalse(on) => settings.nil_is_false = on,
            Setting::ClientConnect(limit) => settings.client.connect = limit,
            Setting::ClientRetries(retries) => settings.client.retries = retries,
            Setting::ClientTls(ref connector) => settings.client_tls = Some(connector.clone()),
            Setting::ClientVerify(on) => settings.client_verify = on,
            Setting::RuntimeDns(on) => settings.runtime_dns = on,
            Setting::SslVerify(on) => settings.ssl_verify = on,
            Setting::SocketCompat(on) => settings.socket_compat = on,
        }
    }

    fn add_path(&self, path: &str, native: bool) -> Result<(), LoadError> {
        self.plan.borrow_mut().paths.push((path.to_owned(), native));
        for place in [Place::Shared, Place::Own] {
            if let Some(vm) = self.vm(place) {
                prepend(&vm, path, native).map_err(|error| failure(&error))?;
            }
        }
        Ok(())
    }

    /// Makes a global function of a state an action.
    fn find_global(&self, name: &str, place: Place) -> Result<Id, FunctionError> {
        let vm = self.vm(place).ok_or(FunctionError::NotFound)?;
        let lua = vm.lua();
        let function = match lua.globals().raw_get::<Value>(name) {
            Ok(Value::Function(function)) => function,
            Ok(Value::Nil) | Err(_) => return Err(FunctionError::NotFound),
            Ok(_) => return Err(FunctionError::NotAFunction),
        };
        let enter = lua.app_data_ref::<Entries>().map(|entries| entries.txn.clone());
        let function = enter.and_then(|enter| enter.call(function).ok());
        let entry = Name { name: name.to_owned(), place, global: true }.entry();
        Ok(self.book.table(Kind::Action).borrow_mut().put(Entry { function, ..entry }))
    }
}

impl script::Registry for Host {
    fn find_fetch(&self, name: &str) -> Option<Id> {
        self.book.find(Kind::Fetch, name).map(|(id, _)| id)
    }

    fn find_converter(&self, name: &str) -> Option<Id> {
        self.book.find(Kind::Converter, name).map(|(id, _)| id)
    }

    fn find_action(&self, name: &str) -> Option<script::Action> {
        let (id, entry) = self.book.find(Kind::Action, name)?;
        let (environments, arguments) = (entry.environments, entry.arguments);
        Some(script::Action { id, environments, arguments })
    }

    fn find_service(&self, name: &str) -> Option<script::Service> {
        let (id, entry) = self.book.find(Kind::Service, name)?;
        Some(script::Service { id, http: entry.http })
    }

    fn global_function(&self, name: &str) -> Result<Id, FunctionError> {
        match self.find_global(name, Place::Shared) {
            Err(FunctionError::NotFound) => self.find_global(name, Place::Own),
            found => found,
        }
    }

    fn is_shared(&self, kind: Kind, id: Id) -> bool {
        let table = self.book.table(kind).borrow();
        table.get(id).is_some_and(|entry| entry.place == Place::Shared)
    }

    fn names(&self, kind: Kind) -> Vec<String> {
        let table = self.book.table(kind).borrow();
        table.iter().filter(|entry| !entry.global).map(|entry| entry.name.clone()).collect()
    }
}

impl script::Loader for Host {
    fn load(&self, load: &Load) -> Result<(), LoadError> {
        let source: Arc<[u8]> = translate(load, read(&load.file)?)?.into();
        self.plan.borrow_mut().loads.push((load.clone(), Arc::clone(&source)));
        self.load_source(load, &source)
    }

    fn load_tenant(&self, policy: Arc<script::policy::Policy>) -> Result<(), LoadError> {
        let compile = |load: &Load| {
            let mut source = read(&load.file)?;
            // What is too long is refused unread.
            if source.len() <= chunk::LENGTH_MAX {
                source = translate(load, source)?;
            }
            let chunk = Chunk::compile(&load.file, &source);
            Ok((load.clone(), chunk.map_err(|error| syntax_error(load, &error))?))
        };
        let files: Result<Vec<_>, LoadError> = policy.loads.iter().map(compile).collect();
        let known = Known { account: Account::new(policy), files: files?.into() };
        let host = self.book.host.upgrade();
        host.map_or(Ok(()), |host| host.try_tenant(&host.add_tenant(known)))
    }

    fn libraries(&self) -> Vec<&'static str> {
        library::words()
    }

    fn prepend_path(&self, path: &str, native: bool) {
        // A state whose `package` a script has broken keeps its own path.
        self.add_path(path, native).unwrap_or_default();
    }

    fn set(&self, setting: Setting) {
        self.apply(&setting);
        self.plan.borrow_mut().settings.push(setting);
    }

    fn set_proxies(&self, proxies: Arc<proxy::Set>) {
        self.book.proxies.replace(Some(proxies));
    }

    fn run_init(&self) -> Result<(), LoadError> {
        self.init()?;
        self.close_unused();
        Ok(())
    }
}

impl Plan {
    fn globals(&self) -> impl Iterator<Item = &Name> {
        let names = self.names.iter().flat_map(|(_, names)| names);
        names.filter(|name| name.global && name.place == Place::Own)
    }
}

impl Name {
    fn entry(&self) -> Entry {
        Entry {
            name: self.name.clone(),
            place: self.place,
            function: None,
            environments: Vec::new(),
            arguments: 0,
            http: false,
            global: self.global,
            warned: Cell::new(false),
        }
    }
}

fn read(file: &str) -> Result<Vec<u8>, LoadError> {
    std::fs::read(file).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "No such file or directory".to_owned(),
            io::ErrorKind::PermissionDenied => "Permission denied".to_owned(),
            io::ErrorKind::IsADirectory => "Is a directory".to_owned(),
            _ => error.to_string(),
        };
        let message = format!("error in Lua file '{file}': cannot open {file}: {why}");
        LoadError { message, traceback: Vec::new() }
    })
}

/// Returns a script as LuaJIT reads it.
fn translate(load: &Load, source: Vec<u8>) -> Result<Vec<u8>, LoadError> {
    if load.dialect == Dialect::LuaJit {
        return Ok(source);
    }
    dialect::transform(&source).map_err(|error| {
        let message = format!("{}:{}: {}", load.file, error.line, error.message);
        syntax_error(load, &Error::raised(message))
    })
}

/// Puts a path before those that `require` searches.
fn prepend(vm: &Vm, path: &str, native: bool) -> Result<(), Error> {
    let package: mlua::Table = vm.lua().globals().raw_get("package")?;
    let key = if native { "cpath" } else { "path" };
    let old: mlua::LuaString = package.raw_get(key)?;
    let mut new = path.as_bytes().to_vec();
    new.push(b';');
    new.extend_from_slice(&old.as_bytes());
    Ok(package.raw_set(key, vm.lua().create_string(new)?)?)
}

fn syntax_error(load: &Load, error: &Error) -> LoadError {
    let message = format!("error in Lua file '{}': {}", load.file, error.message);
    LoadError { message, traceback: Vec::new() }
}

/// Returns why a body or a state failed, in HAProxy's words.
pub(super) fn failure(error: &Error) -> LoadError {
    let message = match error.kind {
        super::Kind::Raised => format!("Lua runtime error: {}", error.message),
        super::Kind::Memory => "Lua out of memory error".to_owned(),
        super::Kind::Time => format!("Lua {}", error.message),
    };
    LoadError { message, traceback: lines(error) }
}

fn lines(error: &Error) -> Vec<String> {
    let levels = error.traceback.split(", ").filter(|level| !level.is_empty());
    levels.map(str::to_owned).collect()
}
