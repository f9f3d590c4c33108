//! The inverted index: for each term, the newest open complaints that hold it.

/// At most this many complaints are remembered for a term: the newest. A term that more hold is
/// either the matter of a large group, and then any of them leads there, or says little.
const LONGEST: usize = 64;

/// Complaints (by sequence number) that hold a term, oldest first.
#[derive(Debug, Clone, Default)]
struct Posting(Vec<u64>);

/// All postings, by term number.
#[derive(Debug, Default)]
pub(super) struct Postings(Vec<Posting>);

impl Postings {
    /// Adds a complaint to a term's posting; the oldest makes room.
    pub(super) fn add(&mut self, term: u32, seq: u64) {
        let term = term as usize;
        if term >= self.0.len() {
            self.0.resize_with(term + 1, Posting::default);
        }
        let posting = &mut self.0[term].0;
        if posting.len() == LONGEST {
            posting.remove(0);
        }
        if posting.len() == posting.capacity() {
            // Most terms are held by one or two complaints: grow exactly at first.
            posting.reserve_exact(match posting.len() {
                0 => 1,
                1 => 2,
                more => more,
            });
        }
        posting.push(seq);
    }

    /// Takes a complaint out again.
    pub(super) fn remove(&mut self, term: u32, seq: u64) {
        let posting = &mut self.0[term as usize].0;
        // Expiry takes the oldest, so look from the front.
        if let Some(at) = posting.iter().position(|&other| other == seq) {
            posting.remove(at);
        }
        if posting.is_empty() {
            *posting = Vec::new();
        }
    }

    /// The complaints that hold a term, oldest first.
    pub(super) fn of(&self, term: u32) -> &[u64] {
        self.0.get(term as usize).map_or(&[], |posting| &posting.0)
    }
}
