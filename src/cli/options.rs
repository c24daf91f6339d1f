//! The command line: HAProxy's letters and their long names, read into [`Options`].

use std::path::PathBuf;

use argh::FromArgs;

use crate::diag::suggest;

/// Runs a HAProxy configuration, with its Lua on LuaJIT.
#[derive(Debug, Default, FromArgs)]
#[argh(help_triggers("-h", "--help"))]
pub struct Options {
    /// configuration file, or directory of .cfg files; may be repeated (-f, and all after --)
    #[argh(option)]
    pub config: Vec<PathBuf>,

    /// only check the configuration files and exit (-c)
    #[argh(switch)]
    pub check: bool,

    /// evaluate a condition as in .if, and answer by the exit status (-cc)
    #[argh(option)]
    pub condition: Option<String>,

    /// change to this directory before the configuration is read (-C)
    #[argh(option)]
    pub directory: Option<PathBuf>,

    /// stay in the foreground and show what goes on (-d)
    #[argh(switch)]
    pub debug: bool,

    /// stay in the foreground (-db)
    #[argh(switch)]
    pub foreground: bool,

    /// go to the background (-D)
    #[argh(switch)]
    pub daemon: bool,

    /// tell everything, even with --quiet (-V)
    #[argh(switch)]
    pub verbose: bool,

    /// tell nothing (-q)
    #[argh(switch)]
    pub quiet: bool,

    /// warn about suspicious statements (-dD)
    #[argh(switch)]
    pub diagnostic: bool,

    /// fail if there is any warning (-dW)
    #[argh(switch)]
    pub zero_warning: bool,

    /// start even if the address of a server is not found (-dr)
    #[argh(switch)]
    pub ignore_resolution: bool,

    /// do not verify the certificates of servers (-dV)
    #[argh(switch)]
    pub no_server_verify: bool,

    /// most connections of the process (-n)
    #[argh(option)]
    pub maxconn: Option<u32>,

    /// most connections of a proxy that does not say (-N)
    #[argh(option)]
    pub default_maxconn: Option<u32>,

    /// most memory of the process, in megabytes (-m)
    #[argh(option)]
    pub memory: Option<u64>,

    /// name of the local peer (-L)
    #[argh(option)]
    pub local_peer: Option<String>,

    /// file that the process ids are written to (-p)
    #[argh(option)]
    pub pidfile: Option<PathBuf>,

    /// old process to let finish, once the new one has started; may be repeated (-sf PID...)
    #[argh(option)]
    pub finish: Vec<u32>,

    /// old process to end at once; may be repeated (-st PID...)
    #[argh(option)]
    pub terminate: Vec<u32>,

    /// socket of the old process to take its listeners from (-x)
    #[argh(option)]
    pub takeover: Option<String>,

    /// run as a master with workers (-W)
    #[argh(switch)]
    pub master_worker: bool,

    /// the same, and tell systemd when it is ready (-Ws)
    #[argh(switch)]
    pub systemd: bool,

    /// address of the master's command line (-S)
    #[argh(option)]
    pub master_socket: Option<String>,

    /// print the version (-v)
    #[argh(switch)]
    pub version: bool,

    /// print the version and what it is built with (-vv)
    #[argh(switch)]
    pub build_options: bool,

    /// option of HAProxy that means nothing here
    #[argh(option, hidden_help)]
    pub ignored: Vec<String>,
}

/// Why there are no options: text to print and whether that was what the user asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Exit {
    /// The user asked for help: this is it.
    Help(String),
    /// The command line is wrong.
    Wrong {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

/// A letter of HAProxy's command line.
struct Letter {
    letter: &'static str,
    value: Value,
    /// The option it stands for; empty for one that means nothing to luaproxy.
    long: &'static str,
}

/// What follows a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    /// Nothing.
    None,
    /// One argument.
    One,
    /// All arguments up to the next that begins with a dash.
    Many,
    /// Maybe some text in the same argument.
    Attached,
}

/// HAProxy's letters, sorted.
const LETTERS: &[Letter] = &[
    Letter { letter: "-C", value: Value::One, long: "--directory" },
    Letter { letter: "-D", value: Value::None, long: "--daemon" },
    Letter { letter: "-L", value: Value::One, long: "--local-peer" },
    Letter { letter: "-N", value: Value::One, long: "--default-maxconn" },
    Letter { letter: "-S", value: Value::One, long: "--master-socket" },
    Letter { letter: "-V", value: Value::None, long: "--verbose" },
    Letter { letter: "-W", value: Value::None, long: "--master-worker" },
    Letter { letter: "-Ws", value: Value::None, long: "--systemd" },
    Letter { letter: "-c", value: Value::None, long: "--check" },
    Letter { letter: "-cc", value: Value::One, long: "--condition" },
    Letter { letter: "-d", value: Value::None, long: "--debug" },
    Letter { letter: "-dC", value: Value::Attached, long: "" },
    Letter { letter: "-dD", value: Value::None, long: "--diagnostic" },
    Letter { letter: "-dF", value: Value::None, long: "" },
    Letter { letter: "-dG", value: Value::None, long: "" },
    Letter { letter: "-dI", value: Value::None, long: "" },
    Letter { letter: "-dK", value: Value::Attached, long: "" },
    Letter { letter: "-dL", value: Value::None, long: "" },
    Letter { letter: "-dM", value: Value::Attached, long: "" },
    Letter { letter: "-dR", value: Value::None, long: "" },
    Letter { letter: "-dS", value: Value::None, long: "" },
    Letter { letter: "-dV", value: Value::None, long: "--no-server-verify" },
    Letter { letter: "-dW", value: Value::None, long: "--zero-warning" },
    Letter { letter: "-dZ", value: Value::None, long: "" },
    Letter { letter: "-db", value: Value::None, long: "--foreground" },
    Letter { letter: "-de", value: Value::None, long: "" },
    Letter { letter: "-dk", value: Value::None, long: "" },
    Letter { letter: "-dp", value: Value::None, long: "" },
    Letter { letter: "-dr", value: Value::None, long: "--ignore-resolution" },
    Letter { letter: "-dt", value: Value::Attached, long: "" },
    Letter { letter: "-dv", value: Value::None, long: "" },
    Letter { letter: "-f", value: Value::One, long: "--config" },
    Letter { letter: "-h", value: Value::None, long: "--help" },
    Letter { letter: "-m", value: Value::One, long: "--memory" },
    Letter { letter: "-n", value: Value::One, long: "--maxconn" },
    Letter { letter: "-p", value: Value::One, long: "--pidfile" },
    Letter { letter: "-q", value: Value::None, long: "--quiet" },
    Letter { letter: "-sf", value: Value::Many, long: "--finish" },
    Letter { letter: "-st", value: Value::Many, long: "--terminate" },
    Letter { letter: "-v", value: Value::None, long: "--version" },
    Letter { letter: "-vv", value: Value::None, long: "--build-options" },
    Letter { letter: "-x", value: Value::One, long: "--takeover" },
];

/// An option of this length or less is a letter, not a mistyped name.
const SHORT: usize = 4;

impl Options {
    /// Reads the arguments behind the name of the program.
    pub fn parse(args: &[String]) -> Result<Self, Exit> {
        let long = expand(args)?;
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        let mut options =
            Self::from_args(&["luaproxy"], &long).map_err(|early| match early.status {
                Ok(()) => Exit::Help(early.output),
                Err(()) => wrong(first_line(&early.output), None),
            })?;
        options.master_worker |= options.systemd;
        Ok(options)
    }

    /// Returns whether nothing is to be told.
    pub fn is_silent(&self) -> bool {
        self.quiet && !self.verbose
    }
}

/// Returns the usage text.
pub fn usage() -> String {
    match Options::from_args(&["luaproxy"], &["--help"]) {
        Err(early) => early.output,
        Ok(_) => String::new(),
    }
}

/// Rewrites HAProxy's letters and `--name=value` to long names with separate values.
fn expand(args: &[String]) -> Result<Vec<String>, Exit> {
    let mut out = Vec::new();
    let mut args = args.iter().peekable();
    while let Some(arg) = args.next() {
        if arg == "--" {
            for file in args.by_ref() {
                out.extend(["--config".to_owned(), file.clone()]);
            }
        } else if arg.starts_with("--") {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (arg.as_str(), None),
            };
            let known = LETTERS.iter().find(|letter| letter.long == name);
            let known = known.ok_or_else(|| unknown(name))?;
            if name == "--help" {
                return Err(Exit::Help(usage()));
            }
            out.push(name.to_owned());
            match (known.value, value) {
                (Value::None, Some(_)) => {
                    return Err(wrong(format!("option '{name}' takes no value"), None));
                }
                (Value::None, None) => {}
                (_, Some(value)) => out.push(value.to_owned()),
                (_, None) => out.push(args.next().ok_or_else(|| missing(name))?.clone()),
            }
        } else if arg.starts_with('-') && arg.len() > 1 {
            let letter = find(arg).ok_or_else(|| unknown(arg))?;
            match letter.value {
                _ if letter.long == "--help" => return Err(Exit::Help(usage())),
                _ if letter.long.is_empty() => {
                    out.extend(["--ignored".to_owned(), arg.clone()]);
                }
                Value::None | Value::Attached => out.push(letter.long.to_owned()),
                Value::One => {
                    let value = args.next().ok_or_else(|| missing(arg))?;
                    out.extend([letter.long.to_owned(), value.clone()]);
                }
                Value::Many => {
                    while let Some(value) = args.next_if(|next| !next.starts_with('-')) {
                        out.extend([letter.long.to_owned(), value.clone()]);
                    }
                }
            }
        } else {
            let hint = format!("a configuration file is given with '--config {arg}'");
            return Err(wrong(format!("unexpected argument '{arg}'"), Some(hint)));
        }
    }
    Ok(out)
}

/// Returns the row of a letter, or of the letter that a text is attached to.
fn find(arg: &str) -> Option<&'static Letter> {
    LETTERS.iter().find(|letter| letter.letter == arg).or_else(|| {
        let attached = |letter: &&Letter| letter.value == Value::Attached;
        LETTERS.iter().filter(attached).find(|letter| arg.starts_with(letter.letter))
    })
}

fn unknown(name: &str) -> Exit {
    let names = || LETTERS.iter().map(|letter| letter.long).filter(|long| !long.is_empty());
    // `-config` is a long name that lacks a dash.
    let long = if name.starts_with("--") { name.to_owned() } else { format!("-{name}") };
    let near = if names().any(|known| known == long) {
        Some(format!("did you mean '{long}' ?"))
    } else {
        suggest::hint(&long, names()).filter(|_| long.len() > SHORT)
    };
    let hint = near.or_else(|| Some("'luaproxy --help' lists the options".to_owned()));
    wrong(format!("unknown option '{name}'"), hint)
}

fn missing(name: &str) -> Exit {
    wrong(format!("option '{name}' expects a value"), None)
}

fn wrong(message: impl Into<String>, hint: Option<String>) -> Exit {
    Exit::Wrong { message: message.into(), hint }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::Exit;
    use super::LETTERS;
    use super::Options;
    use super::Value;
    use super::usage;

    fn parse(line: &str) -> Result<Options, Exit> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&args)
    }

    fn options(line: &str) -> Options {
        parse(line).unwrap()
    }

    fn refusal(line: &str) -> (String, Option<String>) {
        match parse(line) {
            Err(Exit::Wrong { message, hint }) => (message, hint),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn letters_are_sorted_and_each_long_name_is_an_option() {
        assert!(LETTERS.is_sorted_by_key(|letter| letter.letter));
        let help = usage();
        for letter in LETTERS.iter().filter(|letter| !letter.long.is_empty()) {
            let mut words = help.split_whitespace();
            assert!(words.any(|word| word == letter.long), "{}", letter.long);
            let value = if letter.value == Value::None { "" } else { " 1" };
            for name in [letter.letter, letter.long] {
                let parsed = parse(&format!("{name}{value}"));
                let help = letter.long == "--help";
                assert_eq!(parsed.is_err(), help, "{name}{value} {parsed:?}");
            }
        }
    }

    #[test]
    fn letters_and_long_names_say_the_same() {
        let short = options("-f a.cfg -f b.cfg -c -n 10 -L me -C /tmp -D -dD -m 100 -- c.cfg d");
        let long = options(
            "--config a.cfg --config=b.cfg --check --maxconn=10 --local-peer me --directory=/tmp \
             --daemon --diagnostic --memory 100 --config c.cfg --config=d",
        );
        assert_eq!(format!("{short:?}"), format!("{long:?}"));
        assert_eq!(short.config.len(), 4);
        assert_eq!(short.maxconn, Some(10));
    }

    #[test]
    fn old_processes_are_listed_up_to_the_next_option() {
        let options = options("-sf 1 2 3 -st -Ws -cc 1&&0");
        assert_eq!(options.finish, [1, 2, 3]);
        assert!(options.terminate.is_empty() && options.master_worker && options.systemd);
        assert_eq!(options.condition.as_deref(), Some("1&&0"));
    }

    #[test]
    fn letters_without_meaning_are_remembered() {
        assert_eq!(
            options("-dS -dMfail,0x50 -de -dKall").ignored,
            ["-dS", "-dMfail,0x50", "-de", "-dKall"]
        );
    }

    #[test]
    fn wrong_options_are_refused_with_a_hint() {
        let did = |name: &str| Some(format!("did you mean '{name}' ?"));
        let list = Some("'luaproxy --help' lists the options".to_owned());
        assert_eq!(refusal("--chek"), ("unknown option '--chek'".to_owned(), did("--check")));
        assert_eq!(refusal("-config x"), ("unknown option '-config'".to_owned(), did("--config")));
        assert_eq!(refusal("-z"), ("unknown option '-z'".to_owned(), list.clone()));
        assert_eq!(refusal("--ignored x"), ("unknown option '--ignored'".to_owned(), list));
        assert_eq!(refusal("-f").0, "option '-f' expects a value");
        assert_eq!(refusal("--check=yes").0, "option '--check' takes no value");
        assert_eq!(
            refusal("a.cfg"),
            (
                "unexpected argument 'a.cfg'".to_owned(),
                Some("a configuration file is given with '--config a.cfg'".to_owned())
            )
        );
        assert!(refusal("-n many").0.contains("--maxconn"), "{:?}", refusal("-n many"));
    }

    #[test]
    fn help_is_no_mistake() {
        assert!(matches!(parse("-h -c"), Err(Exit::Help(_))));
        assert!(matches!(parse("-h"), Err(Exit::Help(text)) if text.contains("--config")));
    }
}
