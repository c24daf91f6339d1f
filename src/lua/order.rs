//! What the proxy asks of the script host, in one shape for all kinds of functions.

use bytes::Bytes;

use crate::script::Call;
use crate::script::Id;
use crate::script::Kind;
use crate::txn;
use crate::txn::Direction;

/// One call, with what it lends.
#[derive(Clone, Debug)]
pub(super) struct Order<'a> {
    pub kind: Kind,
    pub id: Id,
    /// Of a service: it takes HTTP requests.
    pub http: bool,
    pub txn: Option<&'a txn::Shared>,
    pub direction: Direction,
    /// Of a converter.
    pub input: Option<Bytes>,
    pub arguments: &'a [Bytes],
}

/// A call that cannot begin yet.
#[derive(Debug)]
pub(super) struct Kept {
    kind: Kind,
    id: Id,
    http: bool,
    txn: Option<txn::Shared>,
    direction: Direction,
    input: Option<Bytes>,
    arguments: Vec<Bytes>,
}

impl<'a> From<Call<'a>> for Order<'a> {
    fn from(call: Call<'a>) -> Self {
        let direction = Direction::Request;
        let service = |id, http, txn| Self::new(Kind::Service, id, http, Some(txn), direction, &[]);
        match call {
            Call::Fetch { id, txn, direction, arguments } => {
                Self::new(Kind::Fetch, id, false, Some(txn), direction, arguments)
            }
            Call::Converter { id, input, arguments } => Self {
                input: Some(input.into_bytes()),
                ..Self::new(Kind::Converter, id, false, None, direction, arguments)
            },
            Call::Action { id, txn, direction, arguments } => {
                Self::new(Kind::Action, id, false, Some(txn), direction, arguments)
            }
            Call::HttpService { id, txn } => service(id, true, txn),
            Call::TcpService { id, txn } => service(id, false, txn),
            Call::Command { id, txn, arguments } => {
                Self::new(Kind::Service, id, false, Some(txn), direction, arguments)
            }
        }
    }
}

impl<'a> Order<'a> {
    fn new(
        kind: Kind,
        id: Id,
        http: bool,
        txn: Option<&'a txn::Shared>,
        direction: Direction,
        arguments: &'a [Bytes],
    ) -> Self {
        Self { kind, id, http, txn, direction, input: None, arguments }
    }

    /// Returns the call with all that it needs to begin later.
    pub(super) fn keep(&self) -> Kept {
        Kept {
            kind: self.kind,
            id: self.id,
            http: self.http,
            txn: self.txn.cloned(),
            direction: self.direction,
            input: self.input.clone(),
            arguments: self.arguments.to_vec(),
        }
    }
}

impl Kept {
    /// Returns the call.
    pub(super) fn order(&self) -> Order<'_> {
        Order {
            kind: self.kind,
            id: self.id,
            http: self.http,
            txn: self.txn.as_ref(),
            direction: self.direction,
            input: self.input.clone(),
            arguments: &self.arguments,
        }
    }
}
