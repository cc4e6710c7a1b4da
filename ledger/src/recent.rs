//! A bounded map of what was used lately.

use std::hash::Hash;

use crate::fast_map::FastMap;

/// A map that holds at most two generations of entries. What is not put again while a whole generation comes in is
/// forgotten, and every operation takes constant time.
#[derive(Debug)]
pub struct Recent<K, V> {
    generation: usize,
    young: FastMap<K, V>,
    old: FastMap<K, V>,
}

impl<K: Hash + Eq, V> Recent<K, V> {
    /// An empty map of at most two generations of so many entries. Keys are 32 bytes long.
    #[must_use]
    pub fn new(generation: usize) -> Self {
        Self { generation, young: FastMap::default(), old: FastMap::default() }
    }

    /// What was put last under a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Puts an entry in the place of a former one.
    pub fn put(&mut self, key: K, value: V) {
        if self.young.len() >= self.generation {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// Forgets an entry.
    pub fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }

    /// The number of entries, at most twice the size of a generation.
    #[must_use]
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether nothing was put.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> [u8; 32] {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        key
    }

    #[test]
    fn what_is_put_again_stays_and_all_else_is_forgotten() {
        let mut recent = Recent::new(10);
        assert!(recent.is_empty());
        for number in 1..100 {
            recent.put(key(number), number);
            recent.put(key(0), number);
            assert_eq!(recent.get(&key(0)), Some(&number), "the last value");
            assert!(recent.len() <= 20);
        }
        assert_eq!(recent.get(&key(99)), Some(&99));
        assert_eq!(recent.get(&key(70)), None);
    }

    #[test]
    fn what_is_removed_does_not_come_back_from_an_older_generation() {
        let mut recent = Recent::new(2);
        recent.put(key(1), "old");
        recent.put(key(2), "");
        recent.put(key(3), "");
        recent.put(key(1), "new");
        recent.remove(&key(1));
        assert_eq!(recent.get(&key(1)), None);
    }
}
