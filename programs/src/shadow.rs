//! What `/etc/shadow` says of accounts that must not log in,
//! [shadow(5)](https://man7.org/linux/man-pages/man5/shadow.5.html).

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

const FILE: &str = "/etc/shadow";

const DAY: u64 = 86_400;

/// Why an account must not log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Its password begins with `!`: `passwd -l`, `usermod -L`.
    Locked,
    /// The account has expired, or its password so long ago that it does not count any more.
    Expired,
}

/// Whether an account must not log in; an account that the file does not have may. Only root can
/// read the file.
pub(crate) fn lock(name: &str, now: SystemTime) -> Option<Lock> {
    let text = fs::read(FILE).ok()?;
    let day = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / DAY;
    lock_in(&String::from_utf8_lossy(&text), name, day)
}

/// As sshd(8) judges by the file: `!` locks and `*` does not, which says only that there is no
/// password to log in by.
fn lock_in(text: &str, name: &str, day: u64) -> Option<Lock> {
    let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(1);
    let number = |index: usize| {
        let field = line.split(':').nth(index).unwrap_or_default();
        field.parse::<u64>().ok()
    };
    let password = fields.next().unwrap_or_default();
    if password.starts_with('!') || password.starts_with("*LK*") {
        return Some(Lock::Locked);
    }
    let (changed, maximum, inactive, expires) = (number(2), number(4), number(6), number(7));
    if expires.is_some_and(|last| day > last) {
        return Some(Lock::Expired);
    }
    // 0 asks for another password at once, which nobody can be asked for here.
    let due = changed == Some(0);
    let aged = changed.zip(maximum).zip(inactive).is_some_and(|((changed, maximum), inactive)| {
        day > changed.saturating_add(maximum).saturating_add(inactive)
    });
    (due || aged).then_some(Lock::Expired)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_locked_by_a_mark_and_by_time() {
        let text = "root:*:19000:0:99999:7:::\nann:$6$x$y:19000:0:99999:7:::\n\
            bob:!$6$x$y:19000:0:99999:7:::\neve:!:19000::::::\nsun:*LK*:19000::::::\n\
            old:*:19000:0:99999:7::20000:\ndue:*:0:0:99999:7:::\nage:*:19000:0:90:7:10::\n";
        for (name, day, lock) in [
            ("root", 20_000, None),
            ("ann", 20_000, None),
            ("nobody", 20_000, None),
            ("bob", 20_000, Some(Lock::Locked)),
            ("eve", 20_000, Some(Lock::Locked)),
            ("sun", 20_000, Some(Lock::Locked)),
            ("old", 20_000, None),
            ("old", 20_001, Some(Lock::Expired)),
            ("due", 1, Some(Lock::Expired)),
            ("age", 19_100, None),
            ("age", 19_101, Some(Lock::Expired)),
        ] {
            assert_eq!(lock_in(text, name, day), lock, "{name} on {day}");
        }
    }
}
