//! `--systemd`: a hardened unit for each node.

use logothete_genesis::network_files::NodeOptions;

/// The name of a node's unit.
pub(super) fn name(node: &NodeOptions) -> String {
    format!("logothete-{}.service", node.name)
}

/// The text of a node's unit; `sealed` says that its key has a passphrase.
pub(super) fn text(node: &NodeOptions, sealed: bool) -> String {
    let NodeOptions { name, .. } = node;
    let (credential, flag, install) = if sealed {
        (
            format!("LoadCredential=passphrase:/etc/logothete/{name}.passphrase\n"),
            " --passphrase-file %d/passphrase",
            format!(
                "#   sudo install -D -m 0400 PASSPHRASE-FILE /etc/logothete/{name}.passphrase\n"
            ),
        )
    } else {
        (String::new(), "", String::new())
    };
    format!(
        "# Logothete node {name}. On its machine, in the directory of this file:\n\
         #   sudo install -m 0755 PROGRAM /usr/local/bin/logothete\n\
         #   sudo useradd --system --home-dir /var/lib/logothete --shell /usr/sbin/nologin logothete\n\
         #   sudo install -d -m 0700 -o logothete -g logothete /var/lib/logothete /var/lib/logothete/{name}\n\
         #   sudo cp -rT . /var/lib/logothete/{name} && sudo chown -R logothete: /var/lib/logothete/{name}\n\
         {install}\
         #   sudo cp logothete-{name}.service /etc/systemd/system/ && sudo systemctl enable --now logothete-{name}\n\
         [Unit]\n\
         Description=Logothete node {name}\n\
         Wants=network-online.target time-sync.target\n\
         After=network-online.target time-sync.target\n\
         \n\
         [Service]\n\
         User=logothete\n\
         Group=logothete\n\
         ExecStart=/usr/local/bin/logothete run --home %S/logothete/{name}{flag}\n\
         {credential}\
         StateDirectory=logothete/{name}\n\
         StateDirectoryMode=0700\n\
         UMask=0077\n\
         LimitNOFILE=65536\n\
         Restart=on-failure\n\
         RestartSec=2\n\
         # 2: configuration, flags or chain file are wrong; 8: unsafe, such as a key that others can read. Starting again mends neither.\n\
         RestartPreventExitStatus=2 8\n\
         TimeoutStopSec=60\n\
         \n\
         NoNewPrivileges=yes\n\
         ProtectSystem=strict\n\
         ProtectHome=yes\n\
         PrivateTmp=yes\n\
         PrivateDevices=yes\n\
         ProtectKernelTunables=yes\n\
         ProtectKernelModules=yes\n\
         ProtectKernelLogs=yes\n\
         ProtectControlGroups=yes\n\
         ProtectClock=yes\n\
         ProtectHostname=yes\n\
         ProtectProc=invisible\n\
         RestrictNamespaces=yes\n\
         RestrictRealtime=yes\n\
         RestrictSUIDSGID=yes\n\
         RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK\n\
         LockPersonality=yes\n\
         MemoryDenyWriteExecute=yes\n\
         CapabilityBoundingSet=\n\
         SystemCallArchitectures=native\n\
         SystemCallFilter=@system-service\n\
         SystemCallErrorNumber=EPERM\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n"
    )
}
