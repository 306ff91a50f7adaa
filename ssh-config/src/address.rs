//! Hosts that are addresses, in all the ways in which the system's resolver reads them.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The one spelling of an address, where the host is one. A zone stays as it is.
pub(crate) fn canonical(host: &str) -> Option<String> {
    if let Some(address) = ipv4(host) {
        return Some(address.to_string());
    }
    let (address, zone) = host.split_once('%').map_or((host, None), |(it, zone)| (it, Some(zone)));
    let address = address.parse::<Ipv6Addr>().ok()?;
    Some(zone.map_or_else(|| address.to_string(), |zone| format!("{address}%{zone}")))
}

/// Reads what inet_aton(3) reads: up to four numbers, decimal, octal after 0 or hexadecimal after
/// 0x, the last of which fills the octets that are left.
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let numbers: Option<Vec<u32>> = text.split('.').map(number).collect();
    let numbers = numbers.filter(|numbers| (1..=4).contains(&numbers.len()))?;
    let (last, first) = numbers.split_last()?;
    let mut address = 0_u32;
    let mut shift = 32_u32;
    for octet in first {
        shift -= 8;
        address |= u32::from(u8::try_from(*octet).ok()?) << shift;
    }
    (u64::from(*last) < 1 << shift).then(|| Ipv4Addr::from_bits(address | last))
}

fn number(text: &str) -> Option<u32> {
    if !text.starts_with(|it: char| it.is_ascii_digit()) {
        return None;
    }
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None if text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_spelling() {
        for (host, told) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("0x7f000001", "127.0.0.1"),
            ("010.0.0.1", "8.0.0.1"),
            ("2001:DB8:0::1", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1%eth0"),
        ] {
            assert_eq!(canonical(host).as_deref(), Some(told), "{host}");
        }
        for host in ["", "host", "1.2.3.4.5", "256.1.1.1", "1..2", "::g", "1.2.3.", "a.1"] {
            assert_eq!(canonical(host), None, "{host}");
        }
    }
}
