//! The outline of a JPEG file: where its segments and scans are, and whether they hold all of the picture.
//!
//! Decoders fill in what is missing (with grey) because people want to see something. A data set must not learn from that:
//! a picture is whole, or it is an error. So every file must go on to its end marker, have its restart markers in order, and
//! have data for all blocks; of a progressive picture every value that is begun must be refined to its last bit. For that
//! the Huffman codes are read (ITU-T T.81, annexes F and G), but no value is computed.

use std::ops::Range;

/// A component of the picture: its number, and its horizontal and vertical sampling factors.
#[derive(Clone, Copy)]
struct Component {
    id: u8,
    wide: usize,
    high: usize,
}

/// Most pixels of a progressive picture that are followed; larger ones are refused before they come here.
const MAX_PIXELS: usize = 1 << 28;

/// What a progressive picture has had of a component so far.
struct Progress {
    /// Of each block, which of its 64 values are not zero.
    blocks: Vec<u64>,
    /// Of each value, the lowest bit that was sent; none before the first.
    lowest: [Option<u8>; 64],
}

/// What a file has said so far of its scans.
#[derive(Default)]
struct Frame {
    /// Whether its scans are sequential, with Huffman codes.
    sequential: bool,
    /// Of each component; nothing if the picture is not progressive.
    progress: Vec<Progress>,
    width: usize,
    height: usize,
    components: Vec<Component>,
    /// Units between two restart markers; 0 if there are none.
    interval: usize,
    /// Huffman tables: four for the first value of a block, four for the others.
    tables: [Option<Table>; 8],
}

/// A Huffman table: length and symbol of the code that any 16 bits begin with; length 0 if there is none.
struct Table(Vec<(u8, u8)>);

/// Checks a file. Returns it without the bytes that belong to no segment, if there are any: decoders skip them, too, and say
/// so. What follows the end marker is no matter.
///
/// # Errors
/// What is missing, in words.
pub(crate) fn check(bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let truncated = |what: &str| Err(format!("truncated: {what}"));
    let mut frame = Frame::default();
    // Pieces of the file that belong to segments and scans.
    let (mut pieces, mut at, mut from, mut scans) = (Vec::new(), 2, 0, 0);
    loop {
        let Some(marker_at) = next_marker(bytes, at) else {
            return truncated(if scans == 0 {
                "it ends before its pixels"
            } else {
                "its end marker is missing"
            });
        };
        if marker_at > at {
            pieces.push(&bytes[from..at]);
            from = marker_at;
        }
        let marker = bytes[marker_at + 1];
        at = marker_at + 2;
        match marker {
            0xd9 => break,
            // These stand alone.
            0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let length = bytes.get(at..at + 2).map(|length| usize::from(length[0]) << 8 | usize::from(length[1]));
        let Some(contents) = length.and_then(|length| bytes.get(at + 2..at + length)) else {
            return truncated("it ends within a segment");
        };
        at += 2 + contents.len();
        match marker {
            0xc4 => frame.read_tables(contents),
            0xc0..=0xcf if !matches!(marker, 0xc8 | 0xcc) => frame.read(marker, contents)?,
            0xdd => frame.interval = contents.iter().take(2).fold(0, |n, &byte| n << 8 | usize::from(byte)),
            0xda => {
                scans += 1;
                let pieces_of_scan = intervals(bytes, at)?;
                frame.check_scan(bytes, contents, &pieces_of_scan)?;
                at = pieces_of_scan.last().map_or(at, |piece| piece.end);
            }
            _ => {}
        }
    }
    if scans == 0 {
        return truncated("it ends before its pixels");
    }
    frame.check_progress()?;
    if pieces.is_empty() {
        return Ok(None);
    }
    pieces.push(&bytes[from..at]);
    Ok(Some(pieces.concat()))
}

/// Where the next marker begins: a byte FF before one that is neither 00 nor FF. Of several bytes FF it is the last.
fn next_marker(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff)).map(|at| from + at)
}

/// The data of a scan, between its restart markers.
fn intervals(bytes: &[u8], mut at: usize) -> Result<Vec<Range<usize>>, String> {
    let mut pieces = Vec::new();
    loop {
        let Some(marker) = next_marker(bytes, at) else {
            return Err("truncated: its end marker is missing".to_owned());
        };
        let expected = pieces.len() % 8;
        pieces.push(at..marker);
        match bytes[marker + 1] {
            found @ 0xd0..=0xd7 if usize::from(found - 0xd0) != expected => {
                return Err(format!(
                    "damaged: restart marker {} stands where {expected} is due",
                    found - 0xd0
                ));
            }
            0xd0..=0xd7 => at = marker + 2,
            _ => return Ok(pieces),
        }
    }
}

impl Frame {
    /// Reads the contents of a frame header (SOF). What is odd in it is left to the decoder.
    fn read(&mut self, marker: u8, contents: &[u8]) -> Result<(), String> {
        let number = |at: usize| contents.get(at).map_or(0, |&byte| usize::from(byte));
        self.sequential = matches!(marker, 0xc0 | 0xc1);
        (self.height, self.width) = (number(1) << 8 | number(2), number(3) << 8 | number(4));
        let component = |c: &[u8]| {
            let [wide, high] = [c[1] >> 4, c[1] & 15].map(|factor| usize::from(factor.max(1)));
            Component { id: c[0], wide, high }
        };
        self.components = contents.get(6..).unwrap_or_default().chunks_exact(3).map(component).collect();
        self.progress.clear();
        if marker == 0xc2 {
            if self.width * self.height > MAX_PIXELS || self.components.len() > 4 {
                return Err(format!("{}×{} pixels, too large", self.width, self.height));
            }
            for component in &self.components {
                let blocks = vec![0; self.blocks(component)];
                self.progress.push(Progress { blocks, lowest: [None; 64] });
            }
        }
        Ok(())
    }

    /// Pixels of a unit: so many that each component has whole blocks in it.
    fn unit(&self) -> (usize, usize) {
        let most = |factor: fn(&Component) -> usize| self.components.iter().map(factor).max().unwrap_or(1);
        (8 * most(|c| c.wide), 8 * most(|c| c.high))
    }

    /// Blocks that a component needs, of which a scan of it alone consists.
    fn blocks(&self, component: &Component) -> usize {
        let (wide, high) = self.unit();
        (self.width * component.wide).div_ceil(wide) * (self.height * component.high).div_ceil(high)
    }

    /// Checks that nothing of a progressive picture is still to come: each component has its first values, and each value that
    /// was begun has its last bit.
    fn check_progress(&self) -> Result<(), String> {
        let whole = |progress: &Progress| {
            let others = &progress.lowest[1..];
            let begun = others.iter().filter(|lowest| lowest.is_some()).count();
            progress.lowest[0] == Some(0)
                && (begun == 0 || begun == 63)
                && others.iter().flatten().all(|&lowest| lowest == 0)
        };
        if self.progress.iter().all(whole) {
            Ok(())
        } else {
            Err("truncated: scans of a progressive picture are missing".to_owned())
        }
    }

    /// Reads the contents of a segment of Huffman tables (DHT).
    fn read_tables(&mut self, mut contents: &[u8]) {
        while let Some((&[kind, ref lengths @ ..], rest)) = contents.split_first_chunk::<17>() {
            let count = lengths.iter().map(|&n| usize::from(n)).sum::<usize>().min(rest.len());
            let (symbols, rest) = rest.split_at(count);
            let mut codes = Vec::with_capacity(1 << 16);
            let mut symbols = symbols.iter();
            for (length, &count) in (1u8..).zip(lengths) {
                for &symbol in symbols.by_ref().take(usize::from(count)) {
                    // All continuations of the code; a table that says more than there is room for is damaged.
                    let room = (1usize << 16) - codes.len();
                    codes.extend(std::iter::repeat_n((length, symbol), (1 << (16 - length)).min(room)));
                }
            }
            codes.resize(1 << 16, (0, 0));
            let place = usize::from(kind >> 4 & 1) * 4 + usize::from(kind & 3);
            self.tables[place] = Some(Table(codes));
            contents = rest;
        }
    }

    /// Checks that a scan has its restart markers, and data for all its blocks. `header` is the contents of its SOS segment.
    fn check_scan(&mut self, bytes: &[u8], header: &[u8], pieces: &[Range<usize>]) -> Result<(), String> {
        let count = header.first().map_or(0, |&count| usize::from(count));
        let scanned = header.get(1..).unwrap_or_default().chunks_exact(2).take(count);
        // Place and description of each component in the scan, and its tables.
        let scanned: Vec<(usize, Component, u8)> = scanned
            .filter_map(|c| {
                let at = self.components.iter().position(|component| component.id == c[0])?;
                Some((at, self.components[at], c[1]))
            })
            .collect();
        let (wide, high) = self.unit();
        // A scan of one component has no more blocks than its size needs; of several, each unit has blocks of all.
        let (units, blocks): (usize, Vec<(usize, u8)>) = match &scanned[..] {
            [(_, one, tables)] => (self.blocks(one), vec![(1, *tables)]),
            _ => (
                self.width.div_ceil(wide) * self.height.div_ceil(high),
                scanned.iter().map(|(_, c, tables)| (c.wide * c.high, *tables)).collect(),
            ),
        };
        let interval = if self.interval == 0 { units.max(1) } else { self.interval };
        let expected = units.div_ceil(interval).max(1);
        if pieces.len() != expected {
            return Err(format!(
                "damaged: {} restart markers where {} are due",
                pieces.len() - 1,
                expected - 1
            ));
        }
        let is_read = self.sequential || !self.progress.is_empty();
        if !is_read || scanned.len() != count {
            return Ok(());
        }
        let (first, last, bits) = match header.get(1 + 2 * count..) {
            Some(&[first, last, bits, ..]) if first <= last && last < 64 => (first, last, bits),
            _ => return Err("damaged: a scan has an impossible header".to_owned()),
        };
        let (previous, lowest) = (bits >> 4, bits & 15);
        for &(at, ..) in &scanned {
            if let Some(progress) = self.progress.get_mut(at) {
                progress.lowest[first.into()..=last.into()].fill(Some(lowest));
            }
        }
        let table = |kind: usize, number: u8| {
            let table = self.tables[kind * 4 + usize::from(number & 3)].as_ref();
            table.ok_or_else(|| "damaged: a Huffman table is missing".to_owned())
        };
        let mut followed = match scanned[..] {
            [(at, ..)] => self.progress.get_mut(at).map(|progress| &mut progress.blocks[..]),
            _ => None,
        };
        for (i, piece) in pieces.iter().enumerate() {
            let due = interval.min(units - (i * interval).min(units));
            let mut bits = Bits::new(&bytes[piece.clone()]);
            // Blocks that have no more values in this scan.
            let mut ended = 0;
            for unit in i * interval..i * interval + due {
                for &(count, tables) in &blocks {
                    for _ in 0..count {
                        match (self.sequential, first, previous) {
                            (true, ..) => bits.skip_block(table(0, tables >> 4)?, table(1, tables)?)?,
                            (_, 0, 0) => bits.skip_value(table(0, tables >> 4)?)?,
                            (_, 0, _) => bits.skip_bit(),
                            _ => {
                                let Some(block) = followed.as_mut().and_then(|blocks| blocks.get_mut(unit))
                                else {
                                    return Err("damaged: a scan of several components".to_owned());
                                };
                                let band = u32::from(first)..u32::from(last) + 1;
                                if previous == 0 {
                                    bits.begin(table(1, tables)?, band, block, &mut ended)?;
                                } else {
                                    bits.refine(table(1, tables)?, band, block, &mut ended)?;
                                }
                            }
                        }
                    }
                }
                if bits.is_past_end() {
                    return Err(format!("truncated: a scan has data for {unit} of {units} units"));
                }
            }
        }
        Ok(())
    }
}

/// The bits of a piece of a scan; behind its end, zeros.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Bits that were read from the bytes, the next one first, and how many.
    held: u64,
    count: u32,
    /// How many of them are behind the end.
    added: u32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, held: 0, count: 0, added: 0 }
    }

    /// Makes sure that 32 bits are held.
    fn fill(&mut self) {
        while self.count <= 32 {
            let byte = self.bytes.get(self.at).copied();
            // Behind FF stands 00, which means nothing.
            self.at += if byte == Some(0xff) { 2 } else { 1 };
            self.added += if byte.is_none() { 8 } else { 0 };
            self.held |= u64::from(byte.unwrap_or(0)) << (56 - self.count);
            self.count += 8;
        }
    }

    fn skip(&mut self, bits: u32) {
        self.held <<= bits;
        self.count -= bits;
    }

    /// The next symbol; the bits behind it may be skipped without [`fill`](Self::fill).
    fn symbol(&mut self, table: &Table) -> Result<u8, String> {
        self.fill();
        let (length, symbol) = table.0[(self.held >> 48) as usize];
        if length == 0 {
            return Err(self.damaged());
        }
        self.skip(length.into());
        Ok(symbol)
    }

    /// Skips a code for a number of bits, and these.
    fn skip_value(&mut self, table: &Table) -> Result<(), String> {
        let bits = self.symbol(table)?;
        self.skip((bits & 15).into());
        Ok(())
    }

    fn skip_bit(&mut self) {
        self.fill();
        self.skip(1);
    }

    /// How many blocks from this one on have no more values, by the code that ends them and the bits behind it.
    fn end_of_blocks(&mut self, length: u8) -> u32 {
        let more = (self.held >> 32 >> (32 - u32::from(length))) as u32;
        self.skip(length.into());
        (1 << length) + more
    }

    /// Skips the values of a block that are begun in a scan, and notes which they are.
    fn begin(
        &mut self,
        table: &Table,
        band: Range<u32>,
        block: &mut u64,
        ended: &mut u32,
    ) -> Result<(), String> {
        if *ended > 0 {
            *ended -= 1;
            return Ok(());
        }
        let mut value = band.start;
        while value < band.end {
            let symbol = self.symbol(table)?;
            match (symbol >> 4, symbol & 15) {
                (15, 0) => value += 16,
                (length, 0) => {
                    *ended = self.end_of_blocks(length) - 1;
                    break;
                }
                (zeros, bits) => {
                    value += u32::from(zeros);
                    *block |= 1u64.checked_shl(value).unwrap_or(0);
                    self.skip(bits.into());
                    value += 1;
                }
            }
        }
        Ok(())
    }

    /// Skips one more bit of the values of a block that are not zero, and values that begin with it.
    fn refine(
        &mut self,
        table: &Table,
        band: Range<u32>,
        block: &mut u64,
        ended: &mut u32,
    ) -> Result<(), String> {
        let mut value = band.start;
        while *ended == 0 && value < band.end {
            let symbol = self.symbol(table)?;
            let (mut zeros, bits) = (symbol >> 4, symbol & 15);
            match (zeros, bits) {
                (15, 0) => {}
                (length, 0) => {
                    *ended = self.end_of_blocks(length);
                    break;
                }
                _ => self.skip(1),
            }
            // On over values that are not zero, which have a bit each, and as many zeros as the code says.
            while value < band.end {
                if *block >> value & 1 == 1 {
                    self.skip_bit();
                } else if zeros == 0 {
                    break;
                } else {
                    zeros -= 1;
                }
                value += 1;
            }
            if bits != 0 && value < band.end {
                *block |= 1 << value;
            }
            value += 1;
        }
        if *ended > 0 {
            for value in value..band.end {
                if *block >> value & 1 == 1 {
                    self.skip_bit();
                }
            }
            *ended -= 1;
        }
        Ok(())
    }

    /// Skips the 64 values of a block.
    fn skip_block(&mut self, first: &Table, others: &Table) -> Result<(), String> {
        self.skip_value(first)?;
        let mut value = 1;
        while value < 64 {
            let symbol = self.symbol(others)?;
            let (zeros, bits) = (symbol >> 4, symbol & 15);
            match (zeros, bits) {
                (15, 0) => value += 16,
                (_, 0) => break,
                _ => value += 1 + usize::from(zeros),
            }
            self.skip(bits.into());
        }
        Ok(())
    }

    /// Whether more bits were taken than there are.
    fn is_past_end(&self) -> bool {
        self.added > self.count
    }

    fn damaged(&self) -> String {
        if self.is_past_end() || self.at >= self.bytes.len() {
            "truncated: a scan ends early".to_owned()
        } else {
            "damaged: a code that no Huffman table has".to_owned()
        }
    }
}
