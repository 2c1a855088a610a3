//! The engine as the daemon runs it, in this process, between a repository and a cluster.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vitrine::cluster;
use vitrine::drive::{Drive, Ended, Tally, Until};
use vitrine::git::Source;
use vitrine_core::config::{self, Config, Verify};
use vitrine_core::model::{InstanceName, Revision};
use vitrine_core::status::{Board, Verdict};

use super::catalogue::Catalogue;
use super::cluster::{Cluster, DAEMON_NAMESPACE};

/// The instance that all scenarios use.
pub const INSTANCE: &str = "test";
/// How long anything may take that a scenario waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running engine.
pub struct Daemon {
    task: JoinHandle<Ended>,
    stop: CancellationToken,
    hints: Arc<Notify>,
    pub boards: watch::Receiver<Arc<Board>>,
    /// What the engine counts of itself.
    pub tally: Arc<Tally>,
    patience: Duration,
}

/// The settings of a scenario: a local repository, no verification.
pub fn settings(catalogue: &Catalogue) -> Config {
    Config {
        instance: InstanceName::parse(INSTANCE).unwrap(),
        repository: config::Repository {
            url: catalogue.path().display().to_string(),
            branch: "main".to_owned(),
            path: ".".to_owned(),
            poll: Some(Duration::from_secs(5)),
            auth: None,
            ca_file: None,
            mirror: catalogue.mirror("daemon"),
        },
        cluster: config::Cluster {
            kubeconfig: None,
            context: None,
            namespace: DAEMON_NAMESPACE.to_owned(),
            mode: config::Mode::Apply,
        },
        safety: config::Safety {
            max_removed_share: 0.2,
            max_deletions: 100,
            approvals_expire_after: Duration::from_secs(24 * 3600),
        },
        rollouts: config::Rollouts { max_parallel: 10, verify: Verify::Never },
        notes: true,
        forge: None,
        web: config::Web {
            public_listen: None,
            public_url: None,
            private_listen: None,
            hooks: Vec::new(),
        },
        log: config::Log { level: "info".to_owned(), json: false },
    }
}

/// Opens the repository. A daemon that was killed in this process may hold its mirror for a
/// moment, which the end of a process would not.
async fn opened(settings: &Config) -> Source {
    let mut tries = 0;
    loop {
        match Source::open(&settings.repository) {
            Ok(source) => return source,
            Err(unknown) if tries == 100 => panic!("{}", unknown.cause),
            Err(_) => tries += 1,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Daemon {
    /// Starts the engine with the scenario's settings.
    pub async fn start(cluster: &Cluster, catalogue: &Catalogue) -> Self {
        Self::with(cluster, settings(catalogue)).await
    }

    /// Starts the engine with other settings.
    pub async fn with(cluster: &Cluster, settings: Config) -> Self {
        Self::through(cluster.client(), settings).await
    }

    /// Starts the engine with a client of its own.
    pub async fn through(client: kube::Client, settings: Config) -> Self {
        Self::within(cluster::Settings::DEADLINE, client, settings).await
    }

    /// The same with a deadline for each request.
    pub async fn within(deadline: Duration, client: kube::Client, settings: Config) -> Self {
        let source = opened(&settings).await;
        let observed = cluster::Settings { deadline, ..cluster::Settings::of(&settings) };
        let connected = cluster::Cluster::connect(client, observed).await.unwrap();
        let (engine, boards) = Drive::new(settings, source, connected);
        Self::of(engine, boards)
    }

    /// Starts the engine as somebody does who starts it again until the API server lets it in.
    pub async fn at_last(client: kube::Client, settings: Config) -> Self {
        let source = opened(&settings).await;
        let connected = loop {
            let observed = cluster::Settings::of(&settings);
            match cluster::Cluster::connect(client.clone(), observed).await {
                Ok(connected) => break connected,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let (engine, boards) = Drive::new(settings, source, connected);
        Self::of(engine, boards)
    }

    /// Starts the engine as the binary does: with a look at the platform.
    pub async fn with_check_up(cluster: &Cluster, catalogue: &Catalogue) -> Self {
        let settings = settings(catalogue);
        let source = opened(&settings).await;
        let observed = cluster::Settings::of(&settings);
        let connected = cluster::Cluster::connect(cluster.client(), observed).await.unwrap();
        let (engine, boards) = Drive::new(settings, source, connected);
        Self::of(engine.with_check_up(), boards)
    }

    fn of(engine: Drive, boards: watch::Receiver<Arc<Board>>) -> Self {
        let (tally, hints) = (engine.tally(), engine.hints());
        let stop = CancellationToken::new();
        let task = tokio::spawn(engine.run(Until::Stopped, stop.clone()));
        Self { task, stop, hints, boards, tally, patience: PATIENCE }
    }

    /// Lets a large catalogue take longer.
    pub fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Waits until the board is as `told`.
    pub async fn board(&mut self, told: &str, is: impl Fn(&Board) -> bool) -> Arc<Board> {
        let waited =
            tokio::time::timeout(self.patience, self.boards.wait_for(|board| is(board))).await;
        let reached = waited.map(|ended| ended.map(|board| board.clone()));
        match reached {
            Ok(Ok(board)) => board,
            Ok(Err(_)) => panic!("the engine ended before the board was {told}"),
            Err(_) => panic!("the board was not {told}: {:#?}", self.boards.borrow()),
        }
    }

    /// Waits until this commit is in force and nothing will change by itself.
    pub async fn settled(&mut self, at: &Revision) -> Arc<Board> {
        self.board(&format!("settled at {}", at.short()), |board| {
            // No row is no answer: every scenario's catalogue has solutions.
            board.revision.as_ref() == Some(at)
                && !board.verdicts.is_empty()
                && board.verdicts.iter().all(Verdict::is_settled)
        })
        .await
    }

    /// Waits until a solution's verdict is as `told`.
    pub async fn verdict(
        &mut self,
        name: &str,
        told: &str,
        is: impl Fn(&Verdict) -> bool,
    ) -> Verdict {
        let board = self
            .board(&format!("{name} {told}"), |board| {
                board.verdicts.iter().any(|v| v.name.as_str() == name && is(v))
            })
            .await;
        board.verdicts.iter().find(|v| v.name.as_str() == name).unwrap().clone()
    }

    /// Asks it to try everything now, as SIGHUP does.
    pub fn hint(&self) {
        self.hints.notify_one();
    }

    /// Stops it as SIGTERM does.
    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// Ends it as a power cut does: nothing is finished, nothing is said.
    pub fn kill(&self) {
        self.task.abort();
    }
}
