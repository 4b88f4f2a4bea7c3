//! The faults, by the name that the configuration uses.

/// What goes wrong, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: the control.
    None,
    /// `open` answers twice, with two different handles.
    OpenTwice,
    /// `open` answers with handle 0.
    OpenZero,
    /// `open` is never answered.
    OpenHang,
    /// `open` brings a body that is no `Value`.
    OpenGarbage,
    /// A call is answered three times, the last two times with other results.
    Twice,
    /// A call is answered from another thread a second after it was cancelled.
    Late,
    /// A call is answered under a made-up number, then properly.
    WrongCtx,
    /// A call is never answered.
    Hang,
    /// A call holds the thread that came in for three seconds.
    Block,
    /// The result is not a protobuf value.
    Garbage,
    /// The result is a string that is not UTF-8.
    InvalidUtf8,
    /// The result nests a thousand lists.
    Deep,
    /// The reply is a null pointer.
    NullReply,
    /// The reply has status code 4711.
    Code,
    /// The error text is not UTF-8.
    Message,
    /// The call is answered from a thread that then ends by `pthread_exit`.
    ExitThread,
    /// `stream_next` answers with no items and no end, for ever.
    EmptyStream,
    /// `stream_next` answers with more items than were asked for.
    TooManyItems,
    /// `stream_next` answers with bytes that are no list.
    GarbageItems,
    /// `connect` succeeds without a descriptor.
    NoDescriptor,
    /// `close` is never answered.
    CloseHang,
    /// The process aborts in a call.
    Abort,
    /// The process writes to address 0 in a call.
    Segv,
    /// The process exits with status 42 in a call.
    Exit,
    /// A panic leaves an entry point.
    Unwind,
}

// === impl Fault ===

impl Fault {
    const NAMES: [(&str, Self); 26] = [
        ("none", Self::None),
        ("open_twice", Self::OpenTwice),
        ("open_zero", Self::OpenZero),
        ("open_hang", Self::OpenHang),
        ("open_garbage", Self::OpenGarbage),
        ("twice", Self::Twice),
        ("late", Self::Late),
        ("wrong_ctx", Self::WrongCtx),
        ("hang", Self::Hang),
        ("block", Self::Block),
        ("garbage", Self::Garbage),
        ("invalid_utf8", Self::InvalidUtf8),
        ("deep", Self::Deep),
        ("null_reply", Self::NullReply),
        ("code", Self::Code),
        ("message", Self::Message),
        ("exit_thread", Self::ExitThread),
        ("empty_stream", Self::EmptyStream),
        ("too_many_items", Self::TooManyItems),
        ("garbage_items", Self::GarbageItems),
        ("no_descriptor", Self::NoDescriptor),
        ("close_hang", Self::CloseHang),
        ("abort", Self::Abort),
        ("segv", Self::Segv),
        ("exit", Self::Exit),
        ("unwind", Self::Unwind),
    ];

    /// The fault that a configuration asks for: the first name that stands in it in quotes.
    pub(crate) fn in_config(json: &str) -> Self {
        Self::NAMES
            .into_iter()
            .find(|(name, _)| json.contains(&format!("\"{name}\"")))
            .map_or(Self::None, |(_, fault)| fault)
    }

    /// The number that stands for the fault in a handle.
    pub(crate) fn to_number(self) -> u64 {
        let position = Self::NAMES.iter().position(|(_, fault)| *fault == self);
        position.unwrap_or(0) as u64
    }

    pub(crate) fn from_number(number: u64) -> Self {
        let entry = usize::try_from(number)
            .ok()
            .and_then(|at| Self::NAMES.get(at));
        entry.map_or(Self::None, |(_, fault)| *fault)
    }
}
