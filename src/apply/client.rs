//! Opens the connection to the cluster that the settings name.

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::request::chain;
use crate::config;

/// Why the cluster cannot be used, in a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    #[error("the kubeconfig cannot be used: {0}")]
    Settings(String),
    #[error("{0}")]
    NoAnswer(String),
    #[error("the API server does not accept the daemon's credentials")]
    Credentials,
    #[error("the daemon may not read what the API server offers: {0}")]
    Forbidden(String),
    #[error("what answers there is not a Kubernetes API: {0}")]
    NotKubernetes(String),
}

/// A client for the cluster of the settings: the named kubeconfig; without one the pod's own
/// service account, else `$KUBECONFIG`, else the default file.
///
/// The client's own retries are off: ours are bounded and visible.
///
/// # Errors
/// [`Unreachable::Settings`]. Nothing is asked of the server yet.
pub async fn client(settings: &config::Cluster) -> Result<Client, Unreachable> {
    use_ring();
    let options = KubeConfigOptions { context: settings.context.clone(), ..Default::default() };
    let mut config = match &settings.kubeconfig {
        Some(file) => {
            let kubeconfig = Kubeconfig::read_from(file).map_err(unusable)?;
            Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(unusable)?
        }
        None => match Config::incluster() {
            Ok(config) if settings.context.is_none() => config,
            _ => Config::from_kubeconfig(&options).await.map_err(unusable)?,
        },
    };
    config.default_retry = false;
    Client::try_from(config).map_err(unusable)
}

/// rustls panics when it must choose between two providers; this chooses.
fn use_ring() {
    // An error says that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn unusable(error: impl std::error::Error + 'static) -> Unreachable {
    Unreachable::Settings(chain(&error))
}
