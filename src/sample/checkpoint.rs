//! Where a sample expression stands and what its fetch reads, and which go together.

/// Where an expression is evaluated: the columns of HAProxy's list of sample fetches, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checkpoint {
    /// `tcp-request connection` of a frontend.
    FrontendTcpConnection,
    /// `tcp-request session` of a frontend.
    FrontendTcpSession,
    /// `tcp-request content` of a frontend.
    FrontendTcpContent,
    /// `http-request` of a frontend.
    FrontendHttpHeader,
    /// `http-request` of a frontend, once the body is there.
    FrontendHttpBody,
    /// `use_backend`.
    UseBackend,
    /// `tcp-request content` of a backend.
    BackendTcpContent,
    /// `http-request` of a backend.
    BackendHttpHeader,
    /// `http-request` of a backend, once the body is there.
    BackendHttpBody,
    /// `use-server`, `balance`, `stick match`.
    UseServer,
    /// `source` of a server.
    ServerSource,
    /// `tcp-response content` of a backend.
    BackendTcpResponse,
    /// `http-response` of a backend.
    BackendHttpResponse,
    /// `http-response` of a backend, once the body is there.
    BackendHttpResponseBody,
    /// `stick store-response`.
    StickStore,
    /// `tcp-response content` of a frontend.
    FrontendTcpResponse,
    /// `http-response` of a frontend.
    FrontendHttpResponse,
    /// `http-response` of a frontend, once the body is there.
    FrontendHttpResponseBody,
    /// `log-format`.
    Log,
    /// `tcp-check` and `http-check`.
    Check,
    /// `set-var` in the `global` section: while the configuration is read.
    Config,
    /// The runtime API.
    Cli,
}

/// What a fetch reads (`SMP_SRC_*` in HAProxy).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Nothing: the configuration, the clock, the process.
    Constant,
    /// The state of proxies and servers.
    Internal,
    /// The listener.
    Listener,
    /// The frontend.
    Frontend,
    /// The addresses of the client's connection.
    ClientL4,
    /// What the client's connection has negotiated.
    ClientL5,
    /// Tracked counters.
    Track,
    /// Bytes of the request.
    RequestL6,
    /// Headers of the request, which do not outlive it.
    RequestHttpHeaderVolatile,
    /// What is remembered of the request.
    RequestHttpHeaderPersistent,
    /// The request's body.
    RequestBody,
    /// The backend.
    Backend,
    /// The server.
    Server,
    /// The addresses of the server's connection.
    ServerL4,
    /// What the server's connection has negotiated.
    ServerL5,
    /// Bytes of the response.
    ResponseL6,
    /// Headers of the response, which do not outlive it.
    ResponseHttpHeaderVolatile,
    /// What is remembered of the response.
    ResponseHttpHeaderPersistent,
    /// The response's body.
    ResponseBody,
    /// The whole request has passed.
    RequestFinal,
    /// The whole response has passed.
    ResponseFinal,
    /// The exchange is over.
    TxnFinal,
    /// The session is over.
    SessionFinal,
}

/// One character per checkpoint: `Y` where the source can be read.
const MATRIX: &[(Source, &str, &str)] = &[
    (Source::Constant, "internal state", "YYYYYYYYYYYYYYYYYYYYYY"),
    (Source::Internal, "internal state", "YYYYYYYYYYYYYYYYYYYY.Y"),
    (Source::Listener, "listener", "YYYYYYYYYYYYYYYYYYY..."),
    (Source::Frontend, "frontend", "YYYYYYYYYYYYYYYYYYY..."),
    (Source::ClientL4, "client address", "YYYYYYYYYYYYYYYYYYYY.."),
    (Source::ClientL5, "client-side connection", ".YYYYYYYYYYYYYYYYYY..."),
    (Source::Track, "track counters", "YYYYYYYYYYYYYYYYYYYY.Y"),
    (Source::RequestL6, "request buffer", "..YYYYYYYYY..........."),
    (Source::RequestHttpHeaderVolatile, "HTTP request headers", "..YYYYYYYYY..........."),
    (Source::RequestHttpHeaderPersistent, "HTTP request", "..YYYYYYYYYYYYYYYYY..."),
    (Source::RequestBody, "HTTP request body", "..YYYYYYYYY..........."),
    (Source::Backend, "backend", "......YYYYYYYYYYYYYY.."),
    (Source::Server, "server", "..........YYYYYYYYYY.."),
    (Source::ServerL4, "server address", "...........YYYYYYYYY.."),
    (Source::ServerL5, "server-side connection", "...........YYYYYYYYY.."),
    (Source::ResponseL6, "response buffer", "...........YYYYYYY.Y.."),
    (Source::ResponseHttpHeaderVolatile, "HTTP response headers", "...........YYYYYYY.Y.."),
    (Source::ResponseHttpHeaderPersistent, "HTTP response", "...........YYYYYYYYY.."),
    (Source::ResponseBody, "HTTP response body", "...........YYYYYYY.Y.."),
    (Source::RequestFinal, "request buffer statistics", ".........YYYYYYYYYY..."),
    (Source::ResponseFinal, "response buffer statistics", "..................Y..."),
    (Source::TxnFinal, "transaction statistics", "..................Y..."),
    (Source::SessionFinal, "session statistics", "..................Y..."),
];

/// HAProxy's names of the checkpoints, in their order.
const NAMES: &[&str] = &[
    "frontend tcp-request connection rule",
    "frontend tcp-request session rule",
    "frontend tcp-request content rule",
    "frontend http-request header rule",
    "frontend http-request body rule",
    "frontend use-backend rule",
    "backend tcp-request content rule",
    "backend http-request header rule",
    "backend http-request body rule",
    "backend use-server, balance or stick-match rule",
    "server source selection",
    "backend tcp-response content rule",
    "backend http-response header rule",
    "backend http-response body rule",
    "backend stick-store rule",
    "frontend tcp-response content rule",
    "frontend http-response header rule",
    "frontend http-response body rule",
    "logs",
    "backend tcp-check rule",
    "configuration parser",
    "CLI parser",
];

impl Checkpoint {
    /// Returns HAProxy's name of the place.
    pub fn name(self) -> &'static str {
        NAMES.get(self as usize).copied().unwrap_or("unknown sample check place")
    }

    /// Tells whether this is one of a backend's own places.
    pub fn is_backend(self) -> bool {
        self.name().starts_with("backend")
    }
}

impl Source {
    /// Returns HAProxy's name of what is read.
    pub fn name(self) -> &'static str {
        MATRIX.get(self as usize).map_or("", |(_, name, _)| name)
    }

    /// Tells whether this can be read there.
    pub fn is_at(self, checkpoint: Checkpoint) -> bool {
        let row = MATRIX.get(self as usize).map_or("", |(_, _, row)| row);
        row.as_bytes().get(checkpoint as usize) == Some(&b'Y')
    }
}

/// Tells whether at least one of these sources can be read there.
pub fn is_available(sources: &[Source], checkpoint: Checkpoint) -> bool {
    sources.iter().any(|source| source.is_at(checkpoint))
}

/// Returns the names of the sources, separated by commas.
pub fn source_names(sources: &[Source]) -> String {
    let names: Vec<&str> = sources.iter().map(|source| source.name()).collect();
    names.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_in_the_order_of_the_sources_and_complete() {
        for (index, (source, name, row)) in MATRIX.iter().enumerate() {
            assert_eq!(*source as usize, index, "{name}");
            assert_eq!(row.len(), NAMES.len(), "{name}");
        }
        assert_eq!(MATRIX.len(), Source::SessionFinal as usize + 1);
        assert_eq!(NAMES.len(), Checkpoint::Cli as usize + 1);
    }

    #[test]
    fn response_headers_are_not_there_in_requests() {
        let source = Source::ResponseHttpHeaderVolatile;
        assert!(!source.is_at(Checkpoint::FrontendHttpHeader));
        assert!(source.is_at(Checkpoint::FrontendHttpResponse));
        assert!(!source.is_at(Checkpoint::Log));
        assert_eq!(Checkpoint::FrontendHttpHeader.name(), "frontend http-request header rule");
    }
}
