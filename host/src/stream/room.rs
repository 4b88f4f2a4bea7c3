//! Where the chunks of a stream are read into.
//!
//! A chunk needs room for its head in front of it, and a buffer of the right size: large ones save
//! trips to the kernel, and hundreds of streams that say little should not have large ones.

use bytes::buf::Limit;
use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::frames::{HEAD, put_head};

/// Chunks are not read in smaller sizes.
const SMALLEST: usize = 4 << 10;
/// So many chunks have to be small before the next buffer is.
const PATIENCE: u8 = 16;
/// Up to this size, a buffer is for several chunks, and is kept while there is nothing to read.
const SHARED: usize = 16 << 10;

/// A buffer that follows the size of what is read.
#[derive(Debug)]
pub(super) struct Room {
    buffer: BytesMut,
    size: usize,
    small: u8,
}

// === impl Room ===

impl Room {
    pub(super) fn new() -> Self {
        Self {
            buffer: BytesMut::new(),
            size: SMALLEST,
            small: 0,
        }
    }

    /// Whether there is a buffer. A stream that waits has none, unless it is small.
    pub(super) fn is_open(&self) -> bool {
        self.buffer.capacity() > 0
    }

    /// Where the next chunk goes, which is not larger than `most`.
    pub(super) fn open(&mut self, most: usize) -> Limit<&mut BytesMut> {
        self.size = self.size.min(most);
        if self.buffer.is_empty() {
            let needed = HEAD + self.size;
            if self.buffer.capacity() < needed {
                let chunks = if self.size < SHARED { 4 } else { 1 };
                self.buffer.reserve(chunks * needed);
            }
            self.buffer.put_bytes(0, HEAD);
        }
        (&mut self.buffer).limit(self.size)
    }

    /// Nothing was there to be read.
    pub(super) fn wait(&mut self) {
        if self.size > SHARED {
            self.buffer = BytesMut::new();
        }
    }

    /// What was read, as a frame.
    pub(super) fn take(&mut self) -> Bytes {
        self.adapt(self.buffer.len() - HEAD);
        framed(self.buffer.split())
    }

    fn adapt(&mut self, read: usize) {
        if read == self.size {
            self.size *= 2;
            self.small = 0;
        } else if read > self.size / 4 {
            self.small = 0;
        } else {
            self.small += 1;
            if self.small == PATIENCE {
                self.size = SMALLEST.max(self.size / 2);
                self.small = 0;
            }
        }
    }
}

/// A payload behind an empty head, as a frame.
pub(super) fn framed(mut chunk: BytesMut) -> Bytes {
    let payload = chunk.len() - HEAD;
    let unused = put_head(&mut chunk, payload);
    chunk.advance(unused);
    chunk.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 64 << 10;

    fn read(room: &mut Room, count: usize) -> Bytes {
        room.open(MOST).put_bytes(7, count);
        room.take()
    }

    #[test]
    fn it_grows_with_what_is_read_and_shrinks_again() {
        let mut room = Room::new();
        assert!(!room.is_open());
        for _ in 0..10 {
            let size = room.size.min(MOST);
            read(&mut room, size);
        }
        assert_eq!(room.open(MOST).remaining_mut(), MOST);
        room.take();
        room.wait();
        assert!(!room.is_open(), "nothing is kept for a large stream");
        for _ in 0..200 {
            read(&mut room, 1);
        }
        assert_eq!(room.size, SMALLEST);
        room.wait();
        assert!(room.is_open());
    }

    #[test]
    fn small_chunks_share_a_buffer() {
        let mut room = Room::new();
        let first = read(&mut room, 1);
        let second = read(&mut room, 1);
        assert_eq!(&first[..], [0, 0, 0, 0, 3, 0x0a, 1, 7]);
        assert_eq!(first, second);
        // The unused part of the second head lies between them.
        assert_eq!(second.as_ptr() as usize - first.as_ptr() as usize, HEAD + 1);
    }
}
