//! A hook at every call that leaves the process: tests count the calls and kill the process at one of them.

/// A call that leaves the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing<'a> {
    /// `dynamodb`, `sqs`, `kms`, `platform`, …
    pub service: &'static str,
    /// The operation or the host.
    pub operation: &'a str,
}

/// On which side of the call the hook is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The call has not been sent.
    Before,
    /// The answer (or its failure) is there; nobody has acted on it.
    After,
}

/// Is told of every crossing. The product uses [`NoProbe`]; the local stack counts and crashes on request.
pub trait Probe: Send + Sync {
    /// Called on both sides of every crossing.
    fn crossing(&self, crossing: Crossing<'_>, phase: Phase);
}

/// Does nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProbe;

impl Probe for NoProbe {
    fn crossing(&self, _: Crossing<'_>, _: Phase) {}
}
