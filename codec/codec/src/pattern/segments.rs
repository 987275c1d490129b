//! Digits of seven segments.

/// Writes the digits, colons and dots of a text in white on black into a plane of brightness, from `top`
/// on; what has no room is cut off.
pub(super) fn write(plane: &mut [u8], width: usize, top: usize, text: &str) {
    let unit = (width / UNITS_A_ROW).max(1);
    for (at, char) in text.chars().enumerate() {
        let left = (at * CELL.0 + 1) * unit;
        for (y, row) in glyph(char).into_iter().enumerate() {
            for (x, lit) in row.into_iter().enumerate() {
                let (x, y) = (left + x * unit, top + y * unit);
                fill(plane, width, (x, y), unit, if lit { 235 } else { 16 });
            }
        }
    }
}

/// One square.
fn fill(plane: &mut [u8], width: usize, (x, y): (usize, usize), side: usize, luma: u8) {
    let (from, to) = (x.min(width), (x + side).min(width));
    for row in plane.chunks_exact_mut(width).skip(y).take(side) {
        row[from..to].fill(luma);
    }
}

/// What is lit of a cell.
fn glyph(char: char) -> [[bool; CELL.0]; CELL.1] {
    let mut lit = [[false; CELL.0]; CELL.1];
    let mut light = |columns: std::ops::Range<usize>, rows: std::ops::Range<usize>| {
        for row in &mut lit[rows] {
            row[columns.clone()].fill(true);
        }
    };
    let segments = match char {
        ':' => {
            light(1..2, 3..4);
            light(1..2, 5..6);
            0
        }
        '.' => {
            light(1..2, 7..8);
            0
        }
        char => char.to_digit(10).map_or(0, |it| DIGITS[it as usize]),
    };
    // From the top clockwise, the one in the middle last.
    let places = [
        (0..4, 1..2),
        (3..4, 1..5),
        (3..4, 4..8),
        (0..4, 7..8),
        (0..1, 4..8),
        (0..1, 1..5),
        (0..4, 4..5),
    ];
    for (at, (columns, rows)) in places.into_iter().enumerate() {
        if segments >> at & 1 == 1 {
            light(columns, rows);
        }
    }
    lit
}

/// Columns and rows of a digit with the space around it, in units.
const CELL: (usize, usize) = (5, 9);
/// Fourteen digits have room.
const UNITS_A_ROW: usize = 14 * CELL.0 + 2;
/// Which segments are lit.
const DIGITS: [u8; 10] = [
    0b011_1111, 0b000_0110, 0b101_1011, 0b100_1111, 0b110_0110, 0b110_1101, 0b111_1101, 0b000_0111,
    0b111_1111, 0b110_1111,
];
