//! Tests that fail where something waits for ever.

use std::time::Duration;

/// Runs a test under virtual time. Where nothing can happen any more the clock runs on to the
/// limit, and the test fails in place of hanging.
pub(crate) async fn bounded<T>(test: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(10_000_000);
    tokio::time::timeout(limit, test).await.expect("something waits for ever")
}
