//! Opens the connection to the cluster that the settings name.

use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use tower::{BoxError, ServiceBuilder, ServiceExt};

use crate::http::{causes, use_ring};
use vitrine_core::config;

/// What a connection may hold of what it reads, in bytes. Hyper's own bound is 408 KiB: each of two
/// dozen watches reaches it with its list and keeps it for as long as it stands.
const READ_AHEAD: usize = 32 * 1024;

/// Why the cluster cannot be used, in a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    #[error("{0}; check it, or name another with cluster.kubeconfig or --kubeconfig")]
    Settings(String),
    #[error("{0}; check that the kubeconfig's server is right and runs")]
    NoAnswer(String),
    #[error(
        "the API server does not accept the daemon's credentials; renew those of the kubeconfig"
    )]
    Credentials,
    #[error(
        "the daemon may not read what the API server offers: {0}; give it the rights of deploy/rbac.yaml"
    )]
    Forbidden(String),
    #[error(
        "what answers there is not a Kubernetes API: {0}; check the kubeconfig's server and whether a proxy stands before it"
    )]
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
            let unusable = |why: String| unusable(&file.display().to_string(), &why);
            let text = std::fs::read_to_string(file).map_err(|e| unusable(e.to_string()))?;
            let kubeconfig = Kubeconfig::from_yaml(&text).map_err(|e| unusable(unread(&e)))?;
            let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
            config.map_err(|e| unusable(unread(&e)))?
        }
        None => match Config::incluster() {
            Ok(config) if settings.context.is_none() => config,
            _ => {
                let config = Config::from_kubeconfig(&options).await;
                config.map_err(|e| unusable("of this machine", &unread(&e)))?
            }
        },
    };
    config.default_retry = false;
    connected(config).map_err(|e| unusable("in use", &causes(&e)))
}

/// kube's own client with [`READ_AHEAD`], without compression and without its log lines. Every
/// request has a deadline of ours, so there are no time limits but for connecting.
fn connected(config: Config) -> kube::Result<Client> {
    if config.proxy_url.is_some() {
        // Rare, and worth the memory that kube's own costs.
        return Client::try_from(config);
    }
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_connect_timeout(config.connect_timeout);
    // As other clients of API servers do: no piece of a request waits for an acknowledgement.
    connector.set_nodelay(true);
    let connector = config.rustls_https_connector_with_connector(connector)?;
    let client: legacy::Client<_, Body> = legacy::Client::builder(TokioExecutor::new())
        .http1_max_buf_size(READ_AHEAD)
        .build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .service(client.map_err(BoxError::from));
    Ok(Client::new(service, config.default_namespace))
}

fn unusable(which: &str, why: &str) -> Unreachable {
    Unreachable::Settings(format!("the kubeconfig {which} cannot be used: {why}"))
}

/// Why a kubeconfig was not understood. The YAML library quotes the text around the fault, which
/// may be a token: only the place is told.
fn unread(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(why) => {
            let place = why.location().map_or_else(String::new, |at| {
                format!(" (line {}, column {})", at.line(), at.column())
            });
            format!("it is not YAML with what a kubeconfig holds{place}")
        }
        other => causes(other),
    }
}
