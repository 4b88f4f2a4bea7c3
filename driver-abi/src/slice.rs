//! Borrowed bytes.

use abi_stable::StableAbi;

/// Borrowed bytes: valid for the length of the call they are passed to, no longer.
///
/// An empty slice may have any pointer, also null.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Slice {
    /// First byte.
    pub ptr: *const u8,
    /// Number of bytes.
    pub len: usize,
}

// === impl Slice ===

impl Slice {
    /// The slice of no bytes.
    pub const EMPTY: Self = Self {
        ptr: std::ptr::null(),
        len: 0,
    };

    /// Borrows `bytes`. The caller keeps them alive for the call that the slice is passed to.
    pub const fn new(bytes: &[u8]) -> Self {
        Self {
            ptr: bytes.as_ptr(),
            len: bytes.len(),
        }
    }

    /// The bytes.
    ///
    /// # Safety
    /// `ptr` points to `len` readable bytes that nobody changes during `'a`, or `len` is 0.
    pub const unsafe fn as_bytes<'a>(self) -> &'a [u8] {
        if self.len == 0 || self.ptr.is_null() {
            return &[];
        }
        // SAFETY: the caller vouches for pointer, length and lifetime; null was handled above.
        unsafe { std::slice::from_raw_parts(self.ptr, self.len) }
    }

    /// The bytes as text.
    ///
    /// # Errors
    /// The bytes are not UTF-8.
    ///
    /// # Safety
    /// As for [`as_bytes`](Self::as_bytes).
    pub const unsafe fn as_str<'a>(self) -> Result<&'a str, std::str::Utf8Error> {
        // SAFETY: the caller vouches for it.
        std::str::from_utf8(unsafe { self.as_bytes() })
    }
}

impl std::fmt::Debug for Slice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Slice({} bytes)", self.len)
    }
}

impl From<&str> for Slice {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl From<&[u8]> for Slice {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes)
    }
}
