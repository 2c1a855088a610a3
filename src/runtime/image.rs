//! The images that are tried: here already, or pulled; and what they say of themselves.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::find::Runtime;
use vitrine_core::catalog::fit::Build;
use vitrine_core::model::{Quoted, duration};

/// How long a pull may take.
const PULL: Duration = Duration::from_secs(3600);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    os: Option<String>,
    architecture: Option<String>,
    size: Option<u64>,
    config: Option<Config>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    user: Option<String>,
    exposed_ports: Option<BTreeMap<String, serde_json::Value>>,
}

/// What an image says of itself. One that is not here is pulled, and `tell` hears of it.
///
/// # Errors
/// A sentence.
pub async fn image(runtime: &Runtime, name: &str, tell: &dyn Fn(&str)) -> Result<Build, String> {
    let words = ["image", "inspect", name];
    if let Ok(said) = runtime.call(&words).await {
        return read(name, &said);
    }
    let program = runtime.sort().program();
    let (shown, begun) = (Quoted::of(name), Instant::now());
    tell(&format!("{program} pulls {shown}"));
    let pulled = runtime.feed(&["pull", "--quiet", name], None, PULL).await;
    pulled.map_err(|why| {
        format!(
            "the image `{shown}` is not here and cannot be pulled: {why}; build it here under this \
             name, or let {program} reach it (`{program} login`); `vitrine check --images` asks its \
             registry"
        )
    })?;
    let took = duration::text(Duration::from_secs(begun.elapsed().as_secs()));
    tell(&format!("{program} pulled it in {took}"));
    let said = runtime.call(&words).await;
    read(name, &said.map_err(|why| format!("the image `{shown}` was pulled, and {why}"))?)
}

fn read(name: &str, said: &str) -> Result<Build, String> {
    let unread = |why: &str| {
        format!("what is said of the image `{}` cannot be read: {why}", Quoted::of(name))
    };
    let images: Vec<Image> =
        serde_json::from_str(said).map_err(|error| unread(&error.to_string()))?;
    let image = images.into_iter().next().ok_or_else(|| unread("it is empty"))?;
    let config = image.config;
    let ports = config.as_ref().and_then(|config| config.exposed_ports.as_ref());
    let tcp = |port: &String| {
        let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
        number.parse().ok().filter(|_| protocol == "tcp")
    };
    Ok(Build {
        os: image.os.unwrap_or_else(|| "linux".to_owned()),
        architecture: image.architecture.unwrap_or_default(),
        size: image.size.unwrap_or_default(),
        ports: ports.into_iter().flat_map(BTreeMap::keys).filter_map(tcp).collect(),
        user: config.and_then(|config| config.user).unwrap_or_default(),
        created: None,
        license: None,
        source: None,
    })
}
