//! The checksum of RocksDB's log: CRC-32C (Castagnoli).

const POLYNOMIAL: u32 = 0x82f6_3b78;

/// For each byte, in each of eight places of a word: what it does to the checksum.
const TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut place = 0;
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let mut value = byte as u32;
        while place < 8 {
            let mut bit = 0;
            while bit < 8 {
                value = (value >> 1) ^ (POLYNOMIAL * (value & 1));
                bit += 1;
            }
            tables[place][byte] = value;
            place += 1;
        }
        byte += 1;
    }
    tables
}

/// The checksum of several parts, one after another.
pub(super) fn crc32c(parts: &[&[u8]]) -> u32 {
    let mut checksum = !0;
    for part in parts {
        let (words, rest) = part.as_chunks::<8>();
        for word in words {
            let word = u64::from_le_bytes(*word) ^ u64::from(checksum);
            let bytes = word.to_le_bytes();
            checksum = 0;
            for (place, byte) in bytes.iter().enumerate() {
                checksum ^= TABLES[7 - place][usize::from(*byte)];
            }
        }
        for byte in rest {
            let [low, ..] = checksum.to_le_bytes();
            checksum = (checksum >> 8) ^ TABLES[0][usize::from(low ^ byte)];
        }
    }
    !checksum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 3720, appendix B.4, and the usual check value.
    #[test]
    fn agrees_with_the_published_vectors() {
        let ascending: Vec<u8> = (0..32).collect();
        let cases: [(&[u8], u32); 5] = [
            (b"123456789", 0xe306_9283),
            (&[0; 32], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&ascending, 0x46dd_794e),
            (b"", 0),
        ];
        for (bytes, expected) in cases {
            assert_eq!(crc32c(&[bytes]), expected, "{bytes:?}");
        }
        assert_eq!(crc32c(&[b"1234", b"", b"56789"]), 0xe306_9283);
    }
}
