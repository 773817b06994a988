//! Content codings that store without compressing: Envoy has to decode them in front of the filter.

use crate::random::Random;

/// Encodes a body. Returns the coding's name and the encoded body.
pub(super) fn encode(random: &mut Random, body: &[u8]) -> (&'static str, Vec<u8>) {
    if random.percent(50) { ("gzip", gzip(body)) } else { ("zstd", zstd(body)) }
}

/// Encodes in gzip (RFC 1952), with stored blocks (RFC 1951 §3.2.4).
fn gzip(body: &[u8]) -> Vec<u8> {
    let mut coded = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = body.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        coded.push(u8::from(blocks.peek().is_none()));
        coded.extend(length.to_le_bytes());
        coded.extend((!length).to_le_bytes());
        coded.extend(block);
    }
    coded.extend(crc32(body).to_le_bytes());
    coded.extend(four_bytes(body.len()));
    coded
}

/// Encodes in zstd (RFC 8878 §3.1.1): one segment of a stated size, raw blocks.
fn zstd(body: &[u8]) -> Vec<u8> {
    let mut coded = vec![0x28, 0xb5, 0x2f, 0xfd, 0b1010_0000];
    coded.extend(four_bytes(body.len()));
    let mut blocks = body.chunks(0x1_0000).peekable();
    while let Some(block) = blocks.next() {
        let header = (block.len() << 3) | usize::from(blocks.peek().is_none());
        coded.extend(four_bytes(header).into_iter().take(3));
        coded.extend(block);
    }
    coded
}

fn four_bytes(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}

fn crc32(body: &[u8]) -> u32 {
    !body.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn the_check_value_of_crc_32_comes_out() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
