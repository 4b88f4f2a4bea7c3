//! Data on its way into a socket, in the buffers it came in.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

/// So many pieces are handed to the kernel at a time.
pub(super) const SLICES: usize = 64;

/// Pieces in order.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    list: VecDeque<Bytes>,
    len: usize,
}

// === impl Pieces ===

impl Pieces {
    pub(super) fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.len += piece.len();
            self.list.push_back(piece);
        }
    }

    /// Bytes in all.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the kernel can be given the first `limit` bytes at once.
    pub(super) fn fits(&self, limit: usize) -> bool {
        let first: usize = self.list.iter().take(SLICES).map(Bytes::len).sum();
        first >= limit
    }

    /// The first messages of these lengths, as far as each is one piece and not above `limit`.
    pub(super) fn alike(&self, lengths: &VecDeque<usize>, limit: usize) -> Vec<[IoSlice<'_>; 1]> {
        self.list
            .iter()
            .zip(lengths)
            .take_while(|(piece, length)| piece.len() == **length && **length <= limit)
            .map(|(piece, _)| [IoSlice::new(piece)])
            .collect()
    }

    /// The first bytes, `limit` at most, for a vectored write; and how many slices that takes.
    pub(super) fn slices(&self, limit: usize) -> ([IoSlice<'_>; SLICES], usize) {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let (mut count, mut room) = (0, limit);
        for (slice, piece) in slices.iter_mut().zip(&self.list) {
            if room == 0 {
                break;
            }
            let take = piece.len().min(room);
            *slice = IoSlice::new(&piece[..take]);
            count += 1;
            room -= take;
        }
        (slices, count)
    }

    /// The first `count` bytes are written.
    pub(super) fn advance(&mut self, count: usize) {
        self.len -= count;
        let mut left = count;
        while let Some(first) = self.list.front_mut() {
            if left < first.len() {
                first.advance(left);
                return;
            }
            left -= first.len();
            self.list.pop_front();
        }
    }

    /// Copies everything into one piece.
    pub(super) fn join(&mut self) {
        let mut joined = BytesMut::with_capacity(self.len);
        self.list.drain(..).for_each(|piece| joined.extend(piece));
        self.list.push_back(joined.freeze());
    }

    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(texts: &[&'static str]) -> Pieces {
        let mut pieces = Pieces::default();
        for text in texts {
            pieces.push(Bytes::from_static(text.as_bytes()));
        }
        pieces
    }

    fn shown(pieces: &Pieces, limit: usize) -> Vec<String> {
        let (slices, count) = pieces.slices(limit);
        slices[..count]
            .iter()
            .map(|slice| String::from_utf8_lossy(slice).into_owned())
            .collect()
    }

    #[test]
    fn they_are_written_in_order() {
        let mut pieces = pieces(&["abc", "", "de", "fgh"]);
        assert_eq!(pieces.len(), 8);
        assert_eq!(shown(&pieces, 100), ["abc", "de", "fgh"]);
        assert_eq!(shown(&pieces, 4), ["abc", "d"]);
        pieces.advance(4);
        assert_eq!(shown(&pieces, 100), ["e", "fgh"]);
        pieces.advance(1);
        assert_eq!(shown(&pieces, 100), ["fgh"]);
        pieces.advance(3);
        assert!(pieces.is_empty());
    }

    #[test]
    fn too_many_are_joined() {
        let mut pieces = pieces(&["x"; SLICES + 1]);
        assert!(!pieces.fits(SLICES + 1));
        assert!(pieces.fits(SLICES));
        assert_eq!(shown(&pieces, 1000).len(), SLICES);
        pieces.join();
        assert!(pieces.fits(SLICES + 1));
        assert_eq!(shown(&pieces, 1000), ["x".repeat(SLICES + 1)]);
    }

    #[test]
    fn messages_of_one_piece_each() {
        let pieces = pieces(&["abc", "de", "fgh", "i"]);
        let count = |lengths: &[usize], limit| {
            let lengths = lengths.iter().copied().collect();
            pieces.alike(&lengths, limit).len()
        };
        assert_eq!(count(&[3, 2, 3, 1], 10), 4);
        assert_eq!(count(&[3, 2, 4], 10), 2);
        assert_eq!(count(&[5, 4], 10), 0);
        assert_eq!(count(&[3], 10), 1);
        assert_eq!(count(&[3, 2], 2), 0);
        // An empty message is no piece.
        assert_eq!(count(&[0, 3], 10), 0);
    }
}
