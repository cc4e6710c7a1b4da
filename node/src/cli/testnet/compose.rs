//! `--compose`: a network of containers on one machine.

use std::path::Path;

use logothete_genesis::network_files::NodeOptions;

use crate::cli::output::Failure;

/// Where the directory of a node is in its container.
const HOME: &str = "/var/lib/logothete";

/// What the file says beside the nodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compose<'a> {
    /// The file with the passphrase, if the keys are sealed; absolute.
    pub(super) passphrase: Option<&'a Path>,
    /// Who owns the directories, user and group: the containers run as them, because keys are readable by nobody else.
    pub(super) owner: (u32, u32),
}

/// In a network of containers every node is a host, known by the name of its service.
///
/// # Errors
/// A host that is no such name, or that is named twice.
pub(super) fn check(nodes: &[NodeOptions]) -> Result<(), Failure> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    for (index, node) in nodes.iter().enumerate() {
        let host = &node.host;
        let named =
            host.bytes().all(allowed) && host.bytes().any(|byte| byte.is_ascii_alphabetic());
        let twice = nodes.iter().take(index).any(|other| other.host == *host);
        if !named || twice {
            let why = if twice { "is named twice" } else { "is no name of a service" };
            return Err(Failure::usage(format!("--compose: {host} {why}"))
                .with_hint("each node is a container of its own: --hosts v0,v1,v2,v3"));
        }
    }
    Ok(())
}

impl Compose<'_> {
    /// The text of docker-compose.yml; JSON-RPC of the nodes is published on loopback, counting up from the first's port.
    pub(super) fn text(&self, nodes: &[NodeOptions]) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let (user, group) = self.owner;
        let mut text = format!(
            "# A whole network on one machine. Build the image first, from the root of the repository:\n\
             #   cargo build --release --locked --bin logothete\n\
             #   docker build -f deploy/Dockerfile -t logothete:{version} .\n\
             # then, here: docker compose up -d\n\
             x-node: &node\n\
             \x20 image: \"logothete:{version}\"\n\
             \x20 # The owner of the directories: keys are readable by nobody else.\n\
             \x20 user: \"{user}:{group}\"\n\
             \x20 restart: on-failure\n\
             \x20 stop_grace_period: 30s\n\
             \x20 read_only: true\n\
             \x20 tmpfs: [\"/tmp\"]\n\
             \x20 cap_drop: [\"ALL\"]\n\
             \x20 security_opt: [\"no-new-privileges:true\"]\n\
             \x20 ulimits:\n\
             \x20   nofile: 65536\n"
        );
        let mut command = vec!["run", "--home", HOME];
        if self.passphrase.is_some() {
            command.extend(["--passphrase-file", "/run/secrets/passphrase"]);
            text.push_str("  secrets: [\"passphrase\"]\n");
        }
        let command: Vec<String> = command.into_iter().map(quoted).collect();
        text.push_str(&format!("  command: [{}]\n\nservices:\n", command.join(", ")));
        for (index, node) in nodes.iter().enumerate() {
            let (host, port) = (&node.host, node.rpc.port());
            let published = usize::from(port) + index;
            let volume = quoted(&format!("./node{index}:{HOME}"));
            let ports = quoted(&format!("127.0.0.1:{published}:{port}"));
            text.push_str(&format!(
                "  {}:\n    <<: *node\n    hostname: {}\n    volumes: [{volume}]\n    ports: [{ports}]\n",
                quoted(host),
                quoted(host)
            ));
        }
        if let Some(path) = self.passphrase {
            let path = quoted(&path.display().to_string());
            text.push_str(&format!("\nsecrets:\n  passphrase:\n    file: {path}\n"));
        }
        text
    }
}

/// A text in double quotes. What JSON escapes, YAML reads back.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
