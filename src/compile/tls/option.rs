//! The TLS options of `bind` and `server` lines and of lists of certificates.

use crate::net::tls::agreement;
use crate::net::tls::agreement::Version;
use crate::syntax::Word;

use super::Said;
use super::Source;
use super::Verify;

/// An option.
#[derive(Clone, Copy)]
pub(in crate::compile) struct Option_ {
    /// Its name.
    pub(in crate::compile) name: &'static str,
    /// Its argument; empty where it has none.
    pub(in crate::compile) args: &'static str,
    /// The lines it may stand in, by initials: `B` for `bind`, `S` for `server`, `C` for a list
    /// of certificates.
    sides: &'static str,
    /// Sets it; gives what is wrong with the argument.
    pub(in crate::compile) set: fn(&mut Said, &Word) -> Result<(), String>,
    pub(in crate::compile) doc: &'static str,
}

/// A line that options stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compile) enum Side {
    Bind,
    Server,
    List,
}

impl Side {
    const fn initial(self) -> char {
        match self {
            Self::Bind => 'B',
            Self::Server => 'S',
            Self::List => 'C',
        }
    }
}

impl Option_ {
    pub(in crate::compile) fn is_for(&self, side: Side) -> bool {
        self.sides.contains(side.initial())
    }
}

/// Finds an option.
pub(in crate::compile) fn find(name: &str, side: Side) -> Option<&'static Option_> {
    OPTIONS.iter().find(|option| option.name == name && option.is_for(side))
}

#[rustfmt::skip]
pub(in crate::compile) const OPTIONS: &[Option_] = &[
    Option_ { name: "allow-0rtt", args: "", sides: "BSC", set: |_, _| Ok(()), doc: "Accepted: no early data is taken or sent." },
    Option_ { name: "alpn", args: "<protocols>", sides: "BSC", set: alpn, doc: "The protocols that are offered by ALPN, best first." },
    Option_ { name: "ca-file", args: "{ <file> | <folder> | @system-ca }", sides: "BSC", set: |s, w| { s.ca_file = Some(given(w, "CA file")?); Ok(()) }, doc: "The authorities that the peer's certificate is verified by." },
    Option_ { name: "ca-ignore-err", args: "{ all | <error>[,...] }", sides: "B", set: |s, w| { s.ca_ignored.read(&given(w, "error IDs list")?.text) }, doc: "Errors of a client's chain that do not end the handshake, by number or name." },
    Option_ { name: "ca-verify-file", args: "<file>", sides: "BC", set: |s, w| { s.ca_verify_file = Some(given(w, "CA file")?); Ok(()) }, doc: "More authorities, which clients are not told of." },
    Option_ { name: "ciphers", args: "<ciphers>", sides: "BSC", set: |s, w| { let list = given(w, "cipher suite")?.text; agreement::ciphers(&list)?; s.ciphers = Some(list); Ok(()) }, doc: "The cipher suites of TLS 1.2, best first." },
    Option_ { name: "ciphersuites", args: "<suites>", sides: "BSC", set: |s, w| { let list = given(w, "cipher suite")?.text; agreement::ciphersuites(&list)?; s.ciphersuites = Some(list); Ok(()) }, doc: "The cipher suites of TLS 1.3, best first." },
    Option_ { name: "crl-file", args: "<file>", sides: "BSC", set: |s, w| { s.crl_file = Some(given(w, "CRL file")?); Ok(()) }, doc: "Certificates that are no longer trusted." },
    Option_ { name: "crt", args: "{ <file> | <folder> }", sides: "B", set: |s, w| { s.certificates.push(Source::File(given(w, "certificate location")?)); Ok(()) }, doc: "A certificate with its key, in PEM, or a folder of them. The first one is the default." },
    Option_ { name: "crt", args: "<file>", sides: "S", set: |s, w| { s.certificates = vec![Source::File(given(w, "certificate file path")?)]; Ok(()) }, doc: "The certificate to show to the server, with its key." },
    Option_ { name: "crt-ignore-err", args: "{ all | <error>[,...] }", sides: "B", set: |s, w| { s.crt_ignored.read(&given(w, "error IDs list")?.text) }, doc: "Errors of a client's certificate that do not end the handshake, by number or name." },
    Option_ { name: "crt-list", args: "<file>", sides: "B", set: |s, w| { s.certificates.push(Source::List(given(w, "file location")?)); Ok(()) }, doc: "A list of certificates: on each line a file, options in brackets, and names that it is for." },
    Option_ { name: "curves", args: "<curves>", sides: "BSC", set: |s, w| { let list = given(w, "curve suite")?.text; agreement::groups(&list)?; s.curves = Some(list); Ok(()) }, doc: "The groups of the key exchange, best first." },
    Option_ { name: "default-crt", args: "<file>", sides: "B", set: |s, w| { s.certificates.insert(0, Source::File(given(w, "certificate location")?)); Ok(()) }, doc: "A certificate that is the default." },
    Option_ { name: "ecdhe", args: "<curve>", sides: "BC", set: |s, w| { let list = given(w, "named curve")?.text; agreement::groups(&list)?; s.curves = Some(list); Ok(()) }, doc: "The one group of the key exchange." },
    Option_ { name: "force-tlsv12", args: "", sides: "BSC", set: |s, _| { (s.min, s.max) = (Some(Version::V12), Some(Version::V12)); Ok(()) }, doc: "TLS 1.2 and nothing else." },
    Option_ { name: "force-tlsv13", args: "", sides: "BSC", set: |s, _| { (s.min, s.max) = (Some(Version::V13), Some(Version::V13)); Ok(()) }, doc: "TLS 1.3 and nothing else." },
    Option_ { name: "no-alpn", args: "", sides: "BC", set: |s, _| { s.alpn = Some(Vec::new()); Ok(()) }, doc: "Offers nothing by ALPN." },
    Option_ { name: "no-ca-names", args: "", sides: "BC", set: |s, _| { s.no_ca_names = true; Ok(()) }, doc: "Clients are not told which authorities are trusted." },
    Option_ { name: "no-check-ssl", args: "", sides: "S", set: |_, _| Ok(()), doc: "Accepted: there are no health checks." },
    Option_ { name: "no-ssl", args: "", sides: "S", set: |s, _| { s.enabled = false; Ok(()) }, doc: "Ends `ssl`." },
    Option_ { name: "no-ssl-reuse", args: "", sides: "S", set: |s, _| { s.no_reuse = true; Ok(()) }, doc: "Each connection begins a session of its own." },
    Option_ { name: "no-sslv3", args: "", sides: "BSC", set: |_, _| Ok(()), doc: "Accepted: it is so." },
    Option_ { name: "no-strict-sni", args: "", sides: "B", set: |s, _| { s.strict_sni = Some(false); Ok(()) }, doc: "Ends `strict-sni`." },
    Option_ { name: "no-tls-tickets", args: "", sides: "BSC", set: |s, _| { s.no_tickets = true; Ok(()) }, doc: "Sessions are remembered here, not by clients." },
    Option_ { name: "no-tlsv10", args: "", sides: "BSC", set: |_, _| Ok(()), doc: "Accepted: it is so." },
    Option_ { name: "no-tlsv11", args: "", sides: "BSC", set: |_, _| Ok(()), doc: "Accepted: it is so." },
    Option_ { name: "no-tlsv12", args: "", sides: "BSC", set: |s, _| { s.min = Some(Version::V13); Ok(()) }, doc: "TLS 1.3 alone." },
    Option_ { name: "no-tlsv13", args: "", sides: "BSC", set: |s, _| { s.max = Some(Version::V12); Ok(()) }, doc: "TLS 1.2 alone." },
    Option_ { name: "no-verifyhost", args: "", sides: "S", set: |s, _| { s.verify_host = None; Ok(()) }, doc: "Ends `verifyhost`." },
    Option_ { name: "prefer-client-ciphers", args: "", sides: "B", set: |s, _| { s.client_order = true; Ok(()) }, doc: "The client's order of cipher suites counts." },
    Option_ { name: "sni", args: "<expression>", sides: "S", set: |s, w| { s.sni = Some(given(w, "sni expression")?); Ok(()) }, doc: "The name that the server is asked for, which its certificate must be for." },
    Option_ { name: "ssl", args: "", sides: "BS", set: |s, _| { s.enabled = true; Ok(()) }, doc: "TLS." },
    Option_ { name: "ssl-max-ver", args: "<version>", sides: "BSC", set: |s, w| { s.max = Some(agreement::version(&given(w, "version")?.text)?); Ok(()) }, doc: "The highest version: `TLSv1.2`, `TLSv1.3`." },
    Option_ { name: "ssl-min-ver", args: "<version>", sides: "BSC", set: |s, w| { s.min = Some(agreement::version(&given(w, "version")?.text)?); Ok(()) }, doc: "The lowest version: `TLSv1.2`, `TLSv1.3`." },
    Option_ { name: "ssl-reuse", args: "", sides: "S", set: |s, _| { s.no_reuse = false; Ok(()) }, doc: "Ends `no-ssl-reuse`." },
    Option_ { name: "strict-sni", args: "", sides: "B", set: |s, _| { s.strict_sni = Some(true); Ok(()) }, doc: "No handshake with whom there is no certificate for." },
    Option_ { name: "tls-tickets", args: "", sides: "BSC", set: |s, _| { s.no_tickets = false; Ok(()) }, doc: "Ends `no-tls-tickets`." },
    Option_ { name: "verify", args: "{ none | optional | required }", sides: "BC", set: verify, doc: "Whether clients show certificates." },
    Option_ { name: "verify", args: "{ none | required }", sides: "S", set: verify_server, doc: "Whether the server's certificate is verified; it is, where nothing is said." },
    Option_ { name: "verifyhost", args: "<name>", sides: "S", set: |s, w| { s.verify_host = Some(given(w, "hostname to verify against")?.text); Ok(()) }, doc: "The name that the server's certificate must be for." },
];

fn given(word: &Word, what: &str) -> Result<Word, String> {
    if word.text.is_empty() { Err(format!("missing {what}")) } else { Ok(word.clone()) }
}

fn alpn(said: &mut Said, word: &Word) -> Result<(), String> {
    let list = given(word, "the comma-delimited ALPN protocol suite")?.text;
    let names: Vec<Vec<u8>> = list.split(',').map(|name| name.as_bytes().to_vec()).collect();
    if names.iter().any(|name| name.is_empty() || name.len() > 255) {
        return Err("ALPN protocol names must not be empty or longer than 255 bytes".to_owned());
    }
    said.alpn = Some(names);
    Ok(())
}

fn verify(said: &mut Said, word: &Word) -> Result<(), String> {
    said.verify = Some(match given(word, "verify method")?.text.as_str() {
        "none" => Verify::None,
        "optional" => Verify::Optional,
        "required" => Verify::Required,
        other => {
            return Err(format!(
                "unknown verify method '{other}', only 'none', 'optional', and 'required' are \
                 supported"
            ));
        }
    });
    Ok(())
}

fn verify_server(said: &mut Said, word: &Word) -> Result<(), String> {
    said.verify = Some(match given(word, "verify method")?.text.as_str() {
        "none" => Verify::None,
        "required" => Verify::Required,
        other => {
            return Err(format!(
                "unknown verify method '{other}', only 'none' and 'required' are supported"
            ));
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_sorted_and_unique_on_each_side() {
        assert!(OPTIONS.is_sorted_by_key(|option| option.name));
        for side in [Side::Bind, Side::Server, Side::List] {
            let names: Vec<_> =
                OPTIONS.iter().filter(|row| row.is_for(side)).map(|row| row.name).collect();
            assert!(names.is_sorted_by(|one, other| one < other), "{side:?}");
        }
    }
}
