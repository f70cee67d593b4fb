//! Decoding one encoded picture (JPEG, PNG, TIFF, GIF, BMP) within limits.

use crate::images::ImageShape;

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

/// What the header of a picture says, which costs no memory to know.
#[cfg(feature = "encoded")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    format: image::ImageFormat,
    width: u32,
    height: u32,
    /// Most bytes that decoding takes.
    pub(crate) cost: u64,
}

/// Reads the header of a picture of any of the formats, told by its first bytes (names lie: SUN397 has PNG, GIF and BMP
/// files named `.jpg`).
///
/// # Errors
/// Why not, in words: unknown or damaged format, or larger than the limits.
#[cfg(feature = "encoded")]
pub(crate) fn header(bytes: &[u8]) -> Result<Header, String> {
    use image::ImageDecoder as _;

    let in_words = |e: image::ImageError| e.to_string();
    let reader = image::ImageReader::new(std::io::Cursor::new(bytes));
    let mut reader = reader.with_guessed_format().map_err(|e| e.to_string())?;
    let format = reader.format().ok_or_else(|| "neither JPEG nor PNG, TIFF, GIF or BMP".to_owned())?;
    reader.limits(limits());
    let decoder = reader.into_decoder().map_err(in_words)?;
    let ((width, height), decoded) = (decoder.dimensions(), decoder.total_bytes());
    if width > MAX_SIDE || height > MAX_SIDE || width == 0 || height == 0 {
        return Err(format!("{width}×{height} pixels; sides of 1 to {MAX_SIDE} are accepted"));
    }
    let rgb = u64::from(width) * u64::from(height) * 3;
    if rgb > MAX_BYTES {
        return Err(format!("{width}×{height} pixels, more than {} MiB", MAX_BYTES >> 20));
    }
    // A progressive JPEG keeps two bytes a value until its last scan is read.
    let work = if format == image::ImageFormat::Jpeg { 2 * rgb } else { decoded };
    Ok(Header { format, width, height, cost: rgb + work })
}

#[cfg(feature = "encoded")]
fn limits() -> image::Limits {
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    limits
}

/// Decodes a picture. Grey pictures become colour, transparency is dropped, of an animation the first frame counts.
///
/// # Errors
/// Why not, in words: it is damaged or does not go on to its end.
#[cfg(feature = "encoded")]
pub(crate) fn decode(bytes: &[u8], header: &Header) -> Result<Picture, String> {
    let Header { format, width, height, .. } = *header;
    let shape = ImageShape { height: height as usize, width: width as usize, channels: 3 };
    let pixels = if format == image::ImageFormat::Jpeg {
        decode_jpeg(bytes)?
    } else {
        check_end(bytes, format)?;
        let mut reader = image::ImageReader::with_format(std::io::Cursor::new(bytes), format);
        reader.limits(limits());
        reader.decode().map_err(|e| e.to_string())?.into_rgb8().into_raw()
    };
    if pixels.len() != shape.len() {
        return Err(format!("{} values for {shape}", pixels.len()));
    }
    Ok(Picture { shape, pixels })
}

/// The pixels of a JPEG file, in its decoder's strict mode: otherwise missing data would become grey.
#[cfg(feature = "encoded")]
fn decode_jpeg(bytes: &[u8]) -> Result<Vec<u8>, String> {
    use zune_jpeg::zune_core::bytestream::ZCursor;
    use zune_jpeg::zune_core::colorspace::ColorSpace;
    use zune_jpeg::zune_core::options::DecoderOptions;

    let cleaned = crate::images::jpeg::check(bytes)?;
    let side = MAX_SIDE as usize;
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(side).set_max_height(side);
    let cursor = ZCursor::new(cleaned.as_deref().unwrap_or(bytes));
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(cursor, options);
    decoder.decode_headers().map_err(|e| format!("{e:?}"))?;
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let colours = if grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(colours));
    let pixels = decoder.decode().map_err(|e| format!("truncated or damaged: {e:?}"))?;
    Ok(if grey { pixels.into_iter().flat_map(|value| [value; 3]).collect() } else { pixels })
}

/// Whether a picture goes on to its end, where its decoder does not look for that: a PNG file ends with a chunk of its own,
/// the first frame of a GIF file with an empty block.
#[cfg(feature = "encoded")]
fn check_end(bytes: &[u8], format: image::ImageFormat) -> Result<(), String> {
    match format {
        image::ImageFormat::Png => check_png_end(bytes),
        image::ImageFormat::Gif if end_of_gif_frame(bytes).is_none() => {
            Err("truncated: it ends within its first frame".to_owned())
        }
        _ => Ok(()),
    }
}

/// Where the data of the first frame end; none if the file ends before.
#[cfg(feature = "encoded")]
fn end_of_gif_frame(bytes: &[u8]) -> Option<usize> {
    // A table of colours has 2, 4, …, 256 entries of three bytes, if there is one.
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let blocks = |mut at: usize| {
        loop {
            match *bytes.get(at)? {
                0 => return Some(at + 1),
                length => at += 1 + usize::from(length),
            }
        }
    };
    let mut at = 13 + table(*bytes.get(10)?);
    loop {
        match *bytes.get(at)? {
            // An extension: its kind, and blocks.
            0x21 => at = blocks(at + 2)?,
            // A frame: place, size, flags; its colours; the size of its first codes, and blocks.
            0x2c => return blocks(at + 10 + table(*bytes.get(at + 9)?) + 1),
            _ => return None,
        }
    }
}

#[cfg(feature = "encoded")]
fn check_png_end(bytes: &[u8]) -> Result<(), String> {
    let mut at = 8;
    while let Some(&[a, b, c, d, ref kind @ ..]) = bytes.get(at..at + 8) {
        // Length, kind, contents, checksum.
        let end = at as u64 + 12 + u64::from(u32::from_be_bytes([a, b, c, d]));
        if end > bytes.len() as u64 {
            break;
        }
        if kind == b"IEND" {
            return Ok(());
        }
        at = end as usize;
    }
    Err("truncated: it ends before its last chunk (IEND)".to_owned())
}

/// Without the feature `encoded` there is no decoder.
#[cfg(not(feature = "encoded"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) cost: u64,
}

/// Without the feature `encoded` there is no decoder.
#[cfg(not(feature = "encoded"))]
pub(crate) fn header(_bytes: &[u8]) -> Result<Header, String> {
    let _ = (MAX_SIDE, MAX_BYTES);
    Err("this build cannot decode pictures; build with the feature `encoded` of taskset-datasets".to_owned())
}

/// Without the feature `encoded` there is no decoder.
#[cfg(not(feature = "encoded"))]
pub(crate) fn decode(bytes: &[u8], _: &Header) -> Result<Picture, String> {
    header(bytes)
        .map(|_| Picture { shape: ImageShape { height: 0, width: 0, channels: 3 }, pixels: Vec::new() })
}

#[cfg(test)]
#[cfg(feature = "encoded")]
pub(crate) mod tests {
    use image::{ExtendedColorType, ImageEncoder};
    use proptest::prelude::*;

    use super::*;

    /// The header, and the picture.
    fn decode(bytes: &[u8]) -> Result<Picture, String> {
        super::decode(bytes, &header(bytes)?)
    }

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

    fn bmp(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        image::codecs::bmp::BmpEncoder::new(&mut bytes)
            .encode(pixels, width, height, ExtendedColorType::Rgb8)
            .unwrap();
        bytes
    }

    fn gif(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        image::codecs::gif::GifEncoder::new(&mut bytes)
            .encode(pixels, width, height, ExtendedColorType::Rgb8)
            .unwrap();
        bytes
    }

    /// Pixels that compress badly.
    fn noise(width: u32, height: u32) -> Vec<u8> {
        (0..width * height * 3).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
    }

    /// An uncompressed TIFF whose directory stands before its pixels, as libtiff writes none but others do.
    fn tiff_with_pixels_at_its_end(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
        let entries = [
            (256, 3, 1, width),
            (257, 3, 1, height),
            (258, 3, 1, 8),
            (259, 3, 1, 1),
            (262, 3, 1, 2),
            (273, 4, 1, 8 + 2 + 9 * 12 + 4),
            (277, 3, 1, 3),
            (278, 3, 1, height),
            (279, 4, 1, pixels.len() as u32),
        ];
        let mut bytes = [&b"II*\0\x08\0\0\0"[..], &9u16.to_le_bytes()].concat();
        for (tag, kind, count, value) in entries {
            bytes.extend([u16::to_le_bytes(tag), u16::to_le_bytes(kind)].concat());
            bytes.extend([u32::to_le_bytes(count), u32::to_le_bytes(value)].concat());
        }
        [&bytes, &[0; 4][..], pixels].concat()
    }

    #[test]
    fn a_picture_that_was_cut_is_an_error_wherever() {
        let pixels = noise(24, 16);
        for (name, encode) in [
            ("PNG", png as fn(&[u8], u32, u32) -> Vec<u8>),
            ("JPEG", jpeg),
            ("TIFF", tiff),
            ("TIFF with pixels at its end", tiff_with_pixels_at_its_end),
            ("BMP", bmp),
            ("GIF", gif),
        ] {
            let bytes = encode(&pixels, 24, 16);
            assert!(decode(&bytes).is_ok(), "{name}: {:?}", decode(&bytes));
            // Behind the first frame of a GIF file others may follow.
            for length in 0..bytes.len() - usize::from(name == "GIF") {
                assert!(decode(&bytes[..length]).is_err(), "{name}: {length} of {} bytes", bytes.len());
            }
            let more = [&bytes[..], b"what follows is no matter"].concat();
            assert!(decode(&more).is_ok(), "{name}");
        }
    }

    #[test]
    fn data_that_are_missing_before_the_end_marker_of_a_jpeg_are_an_error() {
        let grey: Vec<u8> = noise(40, 40).into_iter().take(1600).collect();
        let mut encoded = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut encoded, 90)
            .write_image(&grey, 40, 40, ExtendedColorType::L8)
            .unwrap();
        for bytes in [jpeg(&noise(64, 64), 64, 64), encoded, jpeg(&[7; 32 * 32 * 3], 32, 32)] {
            assert!(decode(&bytes).is_ok());
            let scan = bytes.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
            let scan = scan + 2 + usize::from(bytes[scan + 3]);
            // The last bits fill a byte; a cut there takes nothing away.
            for length in scan..bytes.len() - 4 {
                let refused = decode(&[&bytes[..length], &[0xff, 0xd9]].concat());
                let reason = refused.expect_err(&format!("{length} of {} bytes", bytes.len()));
                assert!(reason.contains("truncated"), "{reason}");
            }
        }
    }

    const RESTARTS: &[u8] = include_bytes!("../../tests/fixtures/jpeg/restarts.jpg");
    const PROGRESSIVE: &[u8] = include_bytes!("../../tests/fixtures/jpeg/progressive.jpg");
    const BOTH: &[u8] = include_bytes!("../../tests/fixtures/jpeg/progressive_restarts.jpg");

    #[test]
    fn jpeg_files_with_restart_markers_and_progressive_ones_are_whole_or_an_error() {
        for bytes in [RESTARTS, PROGRESSIVE, BOTH] {
            assert_eq!(decode(bytes).unwrap().shape, ImageShape { height: 37, width: 45, channels: 3 });
            for length in 0..bytes.len() {
                assert!(decode(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
            }
        }
        // An end marker does not make a cut file whole. The last bits fill a byte: a cut there takes nothing away.
        for bytes in [RESTARTS, PROGRESSIVE, BOTH] {
            let scan = bytes.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
            for length in scan..bytes.len() - 4 {
                let cut = [&bytes[..length], &[0xff, 0xd9]].concat();
                assert!(decode(&cut).is_err(), "{length} of {} bytes", bytes.len());
            }
        }
        let fails = |bytes: &[u8], word: &str| {
            let reason = decode(bytes).unwrap_err();
            assert!(reason.contains(word), "`{word}` is not in: {reason}");
        };
        for bytes in [RESTARTS, BOTH] {
            let marker =
                |number: u8| bytes.windows(2).position(|pair| pair == [0xff, 0xd0 + number]).unwrap();
            // The data between two markers are lost with one of them, or with none.
            let without = |from: usize, to: usize| [&bytes[..from], &bytes[to..]].concat();
            fails(&without(marker(0), marker(1)), "restart marker 1 stands where 0 is due");
            fails(&without(marker(0), marker(0) + 2), "restart marker 1 stands where 0 is due");
            let mut exchanged = bytes.to_vec();
            exchanged[marker(1) + 1] = 0xd3;
            fails(&exchanged, "restart marker 3 stands where 1 is due");
        }
        let end = RESTARTS.len() - 2;
        let is_restart = |pair: &[u8]| pair[0] == 0xff && (0xd0..0xd8).contains(&pair[1]);
        let last = RESTARTS.windows(2).rposition(is_restart).unwrap();
        fails(&[&RESTARTS[..last], &RESTARTS[end..]].concat(), "7 restart markers where 8 are due");
        let first = RESTARTS.windows(2).position(is_restart).unwrap();
        fails(&[&RESTARTS[..first - 6], &RESTARTS[first..]].concat(), "truncated");
    }

    #[test]
    fn bytes_between_the_segments_of_a_jpeg_are_left_out() {
        let tables = RESTARTS.windows(2).position(|pair| pair == [0xff, 0xdb]).unwrap();
        let odd = [&RESTARTS[..tables], b"what some camera wrote here", &RESTARTS[tables..]].concat();
        assert_eq!(decode(&odd).unwrap().pixels, decode(RESTARTS).unwrap().pixels);
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
