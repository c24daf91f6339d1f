//! Why there is no TLS connection, in HAProxy's words.

use std::fmt;
use std::io;

/// Why a handshake failed.
#[derive(Debug)]
pub enum Error {
    /// The peer closed before it had sent a byte.
    Empty,
    /// The connection broke before the peer had sent a byte.
    Aborted,
    /// The peer closed, or the connection broke, in the middle.
    Truncated,
    /// A certificate of the client's chain, not its own, cannot be verified.
    Authority(rustls::Error),
    /// The client's certificate is not trusted.
    Certificate(rustls::Error),
    /// The server's certificate is another one's.
    Mismatch(rustls::Error),
    /// The peers do not agree.
    Handshake(rustls::Error),
    /// There is no certificate for the name that the client asks for (`strict-sni`).
    NoCertificate,
    /// What is sent as the server's name is none.
    Name(String),
}

impl Error {
    /// Returns what a server's certificate, or anything else the peer did, is refused for.
    pub(super) fn of_server(error: rustls::Error) -> Self {
        use rustls::CertificateError as Wrong;
        match error {
            rustls::Error::InvalidCertificate(
                Wrong::NotValidForName | Wrong::NotValidForNameContext { .. },
            ) => Self::Mismatch(error),
            error => Self::Handshake(error),
        }
    }

    /// Returns HAProxy's words, and no reason.
    pub fn summary(&self) -> &'static str {
        match self {
            Self::Empty => "Connection closed during SSL handshake",
            Self::Aborted => "Connection error during SSL handshake",
            Self::Authority(_) => "SSL client CA chain cannot be verified",
            Self::Certificate(_) => "SSL client certificate not trusted",
            Self::Mismatch(_) => {
                "Server presented an SSL certificate different from the expected one"
            }
            Self::Truncated | Self::Handshake(_) | Self::NoCertificate | Self::Name(_) => {
                "SSL handshake failure"
            }
        }
    }

    /// Returns HAProxy's number for it (`fc_err`, `bc_err`).
    pub fn code(&self) -> u32 {
        match self {
            Self::Empty => 23,
            Self::Aborted => 24,
            Self::Authority(_) => 29,
            Self::Certificate(_) => 30,
            Self::Mismatch(_) => 32,
            Self::Truncated | Self::Handshake(_) | Self::NoCertificate | Self::Name(_) => 33,
        }
    }

    /// Tells whether the peer just went, before anything had been agreed.
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Empty | Self::Aborted)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.summary())?;
        match self {
            Self::Empty | Self::Aborted => Ok(()),
            Self::Truncated => f.write_str(" (the peer closed the connection)"),
            Self::NoCertificate => f.write_str(" (no certificate for the requested name)"),
            Self::Name(name) => write!(f, " ('{name}' is no server name)"),
            Self::Authority(cause)
            | Self::Certificate(cause)
            | Self::Mismatch(cause)
            | Self::Handshake(cause) => write!(f, " ({})", reason(cause)),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error {
            Error::Empty | Error::Aborted | Error::Truncated => io::ErrorKind::ConnectionAborted,
            Error::Name(_) => io::ErrorKind::InvalidInput,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// Returns a reason in one line, in lower case, which no peer's bytes can bend.
fn reason(cause: &rustls::Error) -> String {
    use rustls::CertificateError as Wrong;
    use rustls::Error as Tls;
    let text = match cause {
        Tls::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => {
            "the peer does not speak TLS".to_owned()
        }
        Tls::AlertReceived(alert) => format!("the peer sent the alert '{alert:?}'"),
        Tls::InvalidCertificate(wrong) => match wrong {
            Wrong::Expired | Wrong::ExpiredContext { .. } => "the certificate has expired".into(),
            Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => {
                "the certificate is not valid yet".into()
            }
            Wrong::UnknownIssuer => "the certificate's issuer is not known".into(),
            Wrong::Revoked => "the certificate has been revoked".into(),
            Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => {
                "the certificate is for another name".into()
            }
            other => format!("{other}"),
        },
        Tls::NoCertificatesPresented => "the peer presented no certificate".into(),
        other => other.to_string(),
    };
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}
