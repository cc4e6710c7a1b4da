//! Where CPU-bound work runs: off the event loops in production, inline in a simulation.

use tokio::sync::oneshot;

/// A place for CPU-bound work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workers {
    /// Threads: a shared pool with one per core, and more for what waits for the disk.
    #[default]
    Pool,
    /// The calling task, so that one seed decides the order of everything.
    Inline,
}

/// Starts the shared pool with names for its threads, by which tools that look at the process tell them apart.
///
/// # Errors
/// When the pool runs already.
pub fn start() -> Result<(), rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new().thread_name(|_| "worker".to_owned()).build_global()
}

impl Workers {
    /// How many pieces of CPU-bound work run at the same time.
    pub fn parallelism(self) -> usize {
        match self {
            Self::Pool => rayon::current_num_threads(),
            Self::Inline => 1,
        }
    }

    /// For work that takes no longer than handing it over would: it is done where it is.
    #[must_use]
    pub const fn unless(self, small: bool) -> Self {
        if small { Self::Inline } else { self }
    }

    /// Runs `work` and waits for its result.
    ///
    /// # Panics
    /// When `work` panics: a broken invariant is not hidden in a pool.
    pub async fn run<T, F>(self, work: F) -> T
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        if self == Self::Inline {
            return work();
        }
        let (sender, receiver) = oneshot::channel();
        rayon::spawn(move || {
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            // The asker may have been cancelled; then nobody needs the result.
            let _ = sender.send(result);
        });
        match receiver.await.expect("a worker always answers") {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Runs `work` that reads from the disk and waits for its result.
    ///
    /// # Panics
    /// When `work` panics.
    pub async fn read<T, F>(self, work: F) -> T
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        if self == Self::Inline {
            return work();
        }
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}
