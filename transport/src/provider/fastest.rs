//! Which cipher the CPU at hand is fastest with.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use adit_proto::provider::{Cipher, Failure, Seal};
use adit_proto::secret::Secret;

use crate::provider::aes_gcm::AesGcm;
use crate::provider::chacha20_poly1305::ChaCha20Poly1305;

/// The family of ciphers that the CPU at hand seals fastest with.
///
/// With instructions for AES, AES-GCM is several times as fast as ChaCha20-Poly1305, and without
/// them several times as slow; the libraries at hand tell only by their speed which is the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fastest {
    /// AES-GCM: the CPU has instructions for it.
    AesGcm,
    /// ChaCha20-Poly1305: it does well on any CPU.
    ChaCha20Poly1305,
}

impl Fastest {
    /// What was measured, once in a process, in less than two milliseconds.
    pub fn measured() -> Self {
        static MEASURED: OnceLock<Fastest> = OnceLock::new();
        *MEASURED.get_or_init(|| Self::measure().unwrap_or(Self::ChaCha20Poly1305))
    }

    fn measure() -> Result<Self, Failure> {
        let begin = Instant::now();
        let mut aes_gcm = Trial::new(&AesGcm::AES128)?;
        let mut chacha = Trial::new(&ChaCha20Poly1305)?;
        for _ in 0..ROUNDS {
            aes_gcm.run()?;
            chacha.run()?;
            if begin.elapsed() > BUDGET {
                break;
            }
        }
        Ok(if aes_gcm.best <= chacha.best { Self::AesGcm } else { Self::ChaCha20Poly1305 })
    }
}

/// How often each cipher gets its turn. The best turn counts: what disturbs a turn only makes it
/// longer.
const ROUNDS: usize = 16;

/// When no further round begins. One round takes 8 microseconds on a CPU of 2019, and some 300 on
/// one without instructions for AES at 1 GHz.
const BUDGET: Duration = Duration::from_micros(1500);

/// The size of the packet, long enough to show the speed of the bulk.
const PACKET: usize = 4096;

/// A cipher on trial.
struct Trial {
    sealer: Box<dyn Seal>,
    packet: Vec<u8>,
    sequence: u32,
    best: Duration,
}

impl Trial {
    fn new(cipher: &dyn Cipher) -> Result<Self, Failure> {
        let (key, iv) = (Secret::zeroed(cipher.key_len()), Secret::zeroed(cipher.iv_len()));
        let sealer = cipher.sealer(&key, &iv)?;
        Ok(Self { sealer, packet: vec![0; PACKET], sequence: 0, best: Duration::MAX })
    }

    fn run(&mut self) -> Result<(), Failure> {
        let begin = Instant::now();
        self.sealer.seal(self.sequence, &mut self.packet, &mut [0; 16])?;
        self.best = self.best.min(begin.elapsed());
        self.sequence = self.sequence.wrapping_add(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measuring_takes_less_than_two_milliseconds() {
        let shortest = (0..10)
            .map(|_| {
                let begin = Instant::now();
                Fastest::measure().unwrap();
                begin.elapsed()
            })
            .min();
        assert!(shortest.unwrap() < Duration::from_millis(2), "{shortest:?}");
    }

    /// Two of three, as a machine under load may disturb all turns of one.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn aes_is_fastest_where_the_cpu_has_instructions_for_it() {
        let found = (0..3).filter(|_| Fastest::measure() == Ok(Fastest::AesGcm)).count();
        let instructions = is_x86_feature_detected!("aes") && is_x86_feature_detected!("pclmulqdq");
        assert_eq!(found >= 2, instructions);
    }

    #[test]
    fn the_measurement_is_made_once() {
        assert_eq!(Fastest::measured(), Fastest::measured());
    }
}
