//! The hash of a key exchange method.

use adit_proto::secret::Secret;
use ring::digest::{Algorithm, Context};

/// The hash over `parts`, one after another.
pub(super) fn hash(algorithm: &'static Algorithm, parts: &[&[u8]]) -> Secret {
    let mut context = Context::new(algorithm);
    for part in parts {
        context.update(part);
    }
    Secret::from(context.finish().as_ref())
}
