//! What faults do to bytes, one function each. A function returns `false` where it finds nothing to change.
//!
//! Bit 7 is the parity and is kept apart: a character is looked for in the other seven.

#![expect(clippy::ptr_arg, reason = "all have the type that the table of faults asks for")]

use crate::rng::Rng;
use std::ops::Range;

const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const LF: u8 = 0x0A;
const CR: u8 = 0x0D;
const SP: u8 = 0x20;
const EOT: u8 = 0x04;
/// Bit 7 is the parity.
const CHARACTER: u8 = 0x7F;
/// Longest burst of noise, in bytes.
const NOISE_MAX: u64 = 200;

/// Where the groups are: from LF to CR, both included.
pub(super) fn groups(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, byte) in bytes.iter().enumerate() {
        match (byte & CHARACTER, start) {
            (LF, _) => start = Some(at),
            (CR, Some(from)) => {
                found.push(from..at + 1);
                start = None;
            }
            _ => {}
        }
    }
    found
}

pub(super) fn flip_one(bytes: &mut Vec<u8>, at: usize, rng: &mut Rng) -> bool {
    flip(&mut bytes[at], 1, rng)
}

pub(super) fn flip_two(bytes: &mut Vec<u8>, at: usize, rng: &mut Rng) -> bool {
    flip(&mut bytes[at], 2, rng)
}

fn flip(byte: &mut u8, bits: usize, rng: &mut Rng) -> bool {
    for bit in rng.take(&mut (0..8).collect(), bits) {
        *byte ^= 1 << bit;
    }
    true
}

pub(super) fn clear(bytes: &mut Vec<u8>, at: usize, rng: &mut Rng) -> bool {
    let byte = &mut bytes[at];
    let set: Vec<u8> = [0x10, 0x20, 0x40].into_iter().filter(|bit| *byte & bit != 0).collect();
    if set.is_empty() {
        return false;
    }
    *byte &= !*rng.pick(&set);
    true
}

pub(super) fn drop_byte(bytes: &mut Vec<u8>, at: usize, _: &mut Rng) -> bool {
    bytes.remove(at);
    true
}

pub(super) fn swap_digits(bytes: &mut Vec<u8>, group: usize, rng: &mut Rng) -> bool {
    let digit = |byte: u8| (byte & CHARACTER).is_ascii_digit();
    let pairs: Vec<usize> =
        groups(bytes)[group].clone().filter(|at| digit(bytes[*at]) && digit(bytes[at + 1]) && bytes[*at] != bytes[at + 1]).collect();
    if pairs.is_empty() {
        return false;
    }
    let at = *rng.pick(&pairs);
    bytes.swap(at, at + 1);
    true
}

pub(super) fn lose_spaces(bytes: &mut Vec<u8>, group: usize, rng: &mut Rng) -> bool {
    let mut spaces: Vec<usize> = groups(bytes)[group].clone().filter(|at| bytes[*at] & CHARACTER == SP).collect();
    if spaces.len() < 2 {
        return false;
    }
    let mut lost = rng.take(&mut spaces, 2);
    lost.sort_unstable();
    for at in lost.into_iter().rev() {
        bytes.remove(at);
    }
    true
}

pub(super) fn merge(bytes: &mut Vec<u8>, group: usize, _: &mut Rng) -> bool {
    let end = groups(bytes)[group].end - 1;
    let next = bytes.get(end + 1).is_some_and(|byte| byte & CHARACTER == LF);
    if next {
        bytes.drain(end..end + 2);
    }
    next
}

pub(super) fn damage_lf(bytes: &mut Vec<u8>, group: usize, rng: &mut Rng) -> bool {
    let at = groups(bytes)[group].start;
    damage(bytes, at, rng, other_control);
    true
}

pub(super) fn damage_every_lf(bytes: &mut Vec<u8>, rng: &mut Rng) -> bool {
    let other = other_control(rng);
    let is_lf = |byte: &&mut u8| **byte & CHARACTER == LF;
    bytes.iter_mut().filter(is_lf).map(|byte| *byte = other).count() > 0
}

pub(super) fn damage_stx(bytes: &mut Vec<u8>, rng: &mut Rng) -> bool {
    damage_control(bytes, STX, rng, any_other)
}

pub(super) fn damage_etx(bytes: &mut Vec<u8>, rng: &mut Rng) -> bool {
    damage_control(bytes, ETX, rng, other_control)
}

fn damage_control(bytes: &mut Vec<u8>, control: u8, rng: &mut Rng, other: fn(&mut Rng) -> u8) -> bool {
    let found = bytes.iter().position(|byte| byte & CHARACTER == control);
    found.is_some_and(|at| {
        damage(bytes, at, rng, other);
        true
    })
}

/// One in four times the byte is lost.
fn damage(bytes: &mut Vec<u8>, at: usize, rng: &mut Rng, other: fn(&mut Rng) -> u8) {
    if rng.chance(0.25) {
        bytes.remove(at);
    } else {
        bytes[at] = other(rng);
    }
}

/// A control character that neither begins nor ends anything, of right or wrong parity.
fn other_control(rng: &mut Rng) -> u8 {
    let others: Vec<u8> = (0..SP).filter(|byte| !matches!(*byte, STX | ETX | EOT | LF | CR)).collect();
    *rng.pick(&others) | if rng.chance(0.5) { !CHARACTER } else { 0 }
}

/// A byte that neither begins nor ends a frame.
fn any_other(rng: &mut Rng) -> u8 {
    let others: Vec<u8> = (0..=u8::MAX).filter(|byte| !matches!(byte & CHARACTER, STX | ETX | EOT)).collect();
    *rng.pick(&others)
}

pub(super) fn cut(bytes: &mut Vec<u8>, rng: &mut Rng) -> bool {
    bytes.truncate(rng.index(bytes.len()));
    true
}

pub(super) fn interrupt(bytes: &mut Vec<u8>, rng: &mut Rng) -> bool {
    let ends: Vec<usize> = groups(bytes).iter().map(|group| group.end).collect();
    if ends.is_empty() {
        return false;
    }
    bytes.truncate(*rng.pick(&ends));
    // EOT has one bit set: under even parity it carries bit 7, as every other byte of the line then does.
    let parity = bytes.iter().any(|byte| byte & !CHARACTER != 0);
    bytes.push(if parity { EOT | !CHARACTER } else { EOT });
    true
}

pub(super) fn noise(bytes: &mut Vec<u8>, rng: &mut Rng) -> bool {
    if bytes.is_empty() {
        return false;
    }
    let from = rng.index(bytes.len());
    let length = rng.between(1, NOISE_MAX) as usize;
    for byte in bytes[from..].iter_mut().take(length) {
        *byte = rng.next_u64() as u8;
    }
    true
}

/// For faults that change the time and not the bytes.
pub(super) fn nothing(_: &mut Vec<u8>, _: &mut Rng) -> bool {
    true
}
