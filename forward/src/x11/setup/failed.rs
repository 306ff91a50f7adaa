//! The answer to a set-up that lets a program in no further.

use crate::x11::setup::Order;

/// Most bytes of a reason, which its length has to say in one.
const LONGEST: usize = 250;

/// The answer to a set-up that lets a program in no further, `Failed`. Programs show the reason
/// to their user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed<'a> {
    /// In which order the program reads the bytes of numbers.
    pub order: Order,
    /// Why. Beyond 250 bytes it is cut off.
    pub reason: &'a str,
}

impl Failed<'_> {
    /// Its wire form.
    pub fn encode(&self) -> Vec<u8> {
        let reason = self.reason.as_bytes();
        let reason = reason.get(..LONGEST).unwrap_or(reason);
        let words = reason.len().div_ceil(4);
        let mut out = vec![0, u8::try_from(reason.len()).unwrap_or(u8::MAX)];
        for number in [11, 0, u16::try_from(words).unwrap_or(u16::MAX)] {
            out.extend(self.order.number(number));
        }
        out.extend_from_slice(reason);
        out.resize(words.saturating_mul(4).saturating_add(8), 0);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_in_the_order_of_the_program() {
        let failed = |order| Failed { order, reason: "no way" }.encode();
        assert_eq!(failed(Order::Big), b"\0\x06\0\x0b\0\0\0\x02no way\0\0");
        assert_eq!(failed(Order::Little), b"\0\x06\x0b\0\0\0\x02\0no way\0\0");
    }

    #[test]
    fn a_long_reason_is_cut_off() {
        let long = Failed { order: Order::Big, reason: &"x".repeat(1000) }.encode();
        assert_eq!((long[1], long.len()), (250, 8 + 252));
    }
}
