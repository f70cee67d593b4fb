//! Decoding one encoded picture (JPEG, PNG, TIFF, GIF, BMP) within limits.

use crate::ImageShape;

/// Widest and highest picture that is decoded, in pixels. The largest of the data sets are below 10,000.
const MAX_SIDE: u32 = 16_384;
/// Most bytes that decoding one picture may take.
const MAX_BYTES: u64 = 512 << 20;
/// Largest encoded picture that is read at all, in bytes.
pub(crate) const MAX_ENCODED: u64 = 64 << 20;

/// A decoded picture: height × width × 3 (red, green, blue), 8 bits a value.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) shape: ImageShape,
    pub(crate) pixels: Vec<u8>,
}

/// Decodes a picture of any of the formats, told by its first bytes (names lie: SUN397 has PNG, GIF and BMP files named
/// `.jpg`). Grey pictures become colour, transparency is dropped, of an animation the first frame counts.
///
/// # Errors
/// Why not, in words: unknown or damaged format, or larger than the limits.
#[cfg(feature = "encoded")]
pub(crate) fn decode(bytes: &[u8]) -> Result<Picture, String> {
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    let mut reader = image::ImageReader::new(std::io::Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|e| e.to_string())?;
    if reader.format().is_none() {
        return Err("neither JPEG nor PNG, TIFF, GIF or BMP".to_owned());
    }
    reader.limits(limits.clone());
    // The header alone first: a refusal must not cost memory.
    let (width, height) = {
        let mut header = image::ImageReader::new(std::io::Cursor::new(bytes));
        header.limits(limits);
        if let Some(format) = reader.format() {
            header.set_format(format);
        }
        header.into_dimensions().map_err(|e| e.to_string())?
    };
    if width > MAX_SIDE || height > MAX_SIDE || width == 0 || height == 0 {
        return Err(format!("{width}×{height} pixels; sides of 1 to {MAX_SIDE} are accepted"));
    }
    if u64::from(width) * u64::from(height) * 3 > MAX_BYTES {
        return Err(format!("{width}×{height} pixels, more than {} MiB", MAX_BYTES >> 20));
    }
    let pixels = reader.decode().map_err(|e| e.to_string())?.into_rgb8().into_raw();
    let shape = ImageShape { height: height as usize, width: width as usize, channels: 3 };
    if pixels.len() != shape.len() {
        return Err(format!("{} values for {shape}", pixels.len()));
    }
    Ok(Picture { shape, pixels })
}

/// Without the feature `encoded` there is no decoder.
#[cfg(not(feature = "encoded"))]
pub(crate) fn decode(_bytes: &[u8]) -> Result<Picture, String> {
    let _ = (MAX_SIDE, MAX_BYTES);
    Err("this build cannot decode pictures; build with the feature `encoded` of taskset-datasets".to_owned())
}

#[cfg(test)]
#[cfg(feature = "encoded")]
pub(crate) mod tests {
    use image::{ExtendedColorType, ImageEncoder};
    use proptest::prelude::*;

    use super::*;

    /// A PNG of these pixels (1 or 3 channels).
    pub(crate) fn png(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let grey = pixels.len() == (width * height) as usize;
        let colour = if grey { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
        image::codecs::png::PngEncoder::new(&mut bytes).write_image(pixels, width, height, colour).unwrap();
        bytes
    }

    fn jpeg(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90)
            .write_image(pixels, width, height, ExtendedColorType::Rgb8)
            .unwrap();
        bytes
    }

    /// An uncompressed TIFF of height × width × 3, as digital pathology writes them.
    fn tiff(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::codecs::tiff::TiffEncoder::new(&mut bytes)
            .write_image(pixels, width, height, ExtendedColorType::Rgb8)
            .unwrap();
        bytes.into_inner()
    }

    #[test]
    fn colour_and_grey_pictures_become_three_channels() {
        let pixels: Vec<u8> = (0..18).map(|i| i * 14).collect();
        let shape = ImageShape { height: 2, width: 3, channels: 3 };
        for bytes in [png(&pixels, 3, 2), tiff(&pixels, 3, 2)] {
            let picture = decode(&bytes).unwrap();
            assert_eq!((picture.shape, &picture.pixels), (shape, &pixels));
        }
        let grey = decode(&png(&[1, 2, 3, 4, 5, 6], 3, 2)).unwrap();
        assert_eq!(grey.pixels[..6], [1, 1, 1, 2, 2, 2]);
        let lossy = decode(&jpeg(&[100; 192], 8, 8)).unwrap();
        assert!(lossy.pixels.iter().all(|p| p.abs_diff(100) < 3));
    }

    #[test]
    fn enormous_pictures_are_refused_by_their_header() {
        // A PNG of 3×2 whose header claims 60,000 × 60,000; the checksum of the header is made anew.
        let mut bytes = png(&[0; 18], 3, 2);
        bytes[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
        let mut crc = flate2::Crc::new();
        crc.update(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        let refused = decode(&bytes).unwrap_err();
        assert!(refused.contains("60000") || refused.to_lowercase().contains("limit"), "{refused}");

        let mut bytes = jpeg(&[0; 192], 8, 8);
        let frame = bytes.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
        bytes[frame + 5..frame + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
        assert!(decode(&bytes).is_err());
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        for bytes in [&b""[..], b"GIF", b"hello, this is text", &[0xff, 0xd8, 0xff]] {
            assert!(decode(bytes).is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn damage_never_panics(at in 0usize..2000, value: u8, cut in 0usize..2000, kind in 0usize..3) {
            let pixels: Vec<u8> = (0..192).map(|i| (i * 37) as u8).collect();
            let mut bytes = [png, jpeg, tiff][kind](&pixels, 8, 8);
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = decode(&bytes);
            bytes.truncate(cut);
            let _ = decode(&bytes);
        }
    }
}
