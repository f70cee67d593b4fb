//! The byte tokeniser: token = byte + 1, so that 0 is padding.

/// Size of the vocabulary of bytes: the padding and 256 bytes.
pub const BYTE_VOCABULARY: usize = 257;

/// Appends the tokens of a text's UTF-8 bytes.
pub fn encode_bytes(text: &str, out: &mut Vec<u16>) {
    out.extend(text.bytes().map(|byte| u16::from(byte) + 1));
}

/// The text of byte tokens; padding (0) is left out, and what is not UTF-8 becomes U+FFFD. `None` if a token is not of
/// this vocabulary.
pub fn decode_bytes(tokens: &[u16]) -> Option<String> {
    let bytes: Option<Vec<u8>> =
        tokens.iter().filter(|&&token| token != 0).map(|&token| u8::try_from(token - 1).ok()).collect();
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_are_bytes_plus_one() {
        let mut tokens = vec![7];
        encode_bytes("aé\n", &mut tokens);
        assert_eq!(tokens, [7, 98, 0xc4, 0xaa, 11]);
        assert_eq!(decode_bytes(&[98, 0, 0]).unwrap(), "a");
        assert_eq!(decode_bytes(&[256]).unwrap(), "\u{fffd}");
        assert_eq!(decode_bytes(&[257]), None);
    }

    proptest! {
        #[test]
        fn decoding_inverts_encoding(text: String) {
            let mut tokens = Vec::new();
            encode_bytes(&text, &mut tokens);
            prop_assert!(tokens.iter().all(|&token| token > 0 && usize::from(token) < BYTE_VOCABULARY));
            prop_assert_eq!(decode_bytes(&tokens).unwrap(), text);
        }
    }
}
