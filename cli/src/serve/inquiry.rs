//! What a question wants to have found out, found out.

use std::sync::Arc;

use adit_gateway::answers::{Answers, Wants};
use tokio::task::JoinSet;

use crate::serve::world::World;

/// Finds out all that is wanted, everything at once.
///
/// # Cancel safety
/// Dropping the future gives up what is not answered.
pub(crate) async fn answer<W: World>(world: &Arc<W>, wants: Wants) -> Answers {
    let mut answers = Answers::default();
    let mut names = JoinSet::new();
    for name in wants.names {
        let world = Arc::clone(world);
        names.spawn(async move { (name.clone(), world.look_up(name).await) });
    }
    let mut paths = JoinSet::new();
    for path in wants.paths {
        let world = Arc::clone(world);
        paths.spawn(async move { (path.clone(), world.follow(path).await) });
    }
    while let Some(found) = names.join_next().await {
        if let Ok((name, answer)) = found {
            answers.set_name(name, answer);
        }
    }
    while let Some(found) = paths.join_next().await {
        if let Ok((path, Some(real))) = found {
            answers.set_path(path, real);
        }
    }
    answers
}
