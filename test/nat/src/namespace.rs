use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A network namespace: interfaces, routes and firewall of its own. Dropping it deletes it.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

/// What every test here needs. They fail without it: a network that was not tried is not one that
/// works.
///
/// # Panics
/// The kernel refuses network namespaces.
pub fn need_namespaces() {
    forget_the_dead();
    let name = new_name();
    let made = ip_command(&["netns", "add", &name]).output();
    let made = made.is_ok_and(|output| output.status.success());
    assert!(
        made,
        "the kernel refuses network namespaces: they need root on Linux, and iproute2"
    );
    ip(&["netns", "del", &name]);
}

impl Namespace {
    /// A namespace with nothing but its loopback interface.
    pub fn new() -> Self {
        let namespace = Namespace { name: new_name() };
        ip(&["netns", "add", &namespace.name]);
        namespace.ip(&["link", "set", "lo", "up"]);
        // Each interface speaks for its own addresses only, as those of two networks would.
        let own = "cd /proc/sys/net/ipv4/conf/all; echo 1 > arp_ignore; echo 2 > arp_announce";
        namespace.run("sh", &["-c", own]);
        namespace
    }

    /// The system's name of it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `ip ARGS` in here.
    pub fn ip(&self, args: &[&str]) {
        let mut all = vec!["-n", &self.name];
        all.extend(args);
        ip(&all);
    }

    /// A cable from the interface `here` in this namespace to `there` in another one; both are
    /// up, without addresses.
    pub fn join(&self, here: &str, other: &Namespace, there: &str) {
        self.ip(&[
            "link",
            "add",
            here,
            "type",
            "veth",
            "peer",
            "name",
            there,
            "netns",
            &other.name,
        ]);
        self.ip(&["link", "set", here, "up"]);
        other.ip(&["link", "set", there, "up"]);
    }

    /// Gives an interface an address with its prefix length. It may be used at once.
    pub fn address(&self, interface: &str, address: &str) {
        let mut args = vec!["addr", "add", address, "dev", interface];
        if address.contains(':') {
            args.push("nodad");
        }
        self.ip(&args);
    }

    /// The next hop for everything else.
    pub fn default_route(&self, via: &str) {
        match via.contains(':') {
            true => self.ip(&["-6", "route", "replace", "default", "via", via]),
            false => self.ip(&["route", "replace", "default", "via", via]),
        }
    }

    /// Passes packets on between its interfaces.
    pub fn forward(&self) {
        self.run("sh", &["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
    }

    /// Loads rules of nftables.
    pub fn nft(&self, rules: &str) {
        let mut nft = self.command("nft");
        let child = nft.args(["-f", "-"]).stdin(Stdio::piped()).spawn();
        let mut child = child.expect("apt-get install nftables");
        let mut input = child.stdin.take().expect("it is piped");
        input.write_all(rules.as_bytes()).expect("nft reads");
        drop(input);
        let status = child.wait().expect("nft ends");
        assert!(status.success(), "nft takes these rules:\n{rules}");
    }

    /// Runs a program in here to its end.
    pub fn run(&self, program: &str, args: &[&str]) -> String {
        let output = self.command(program).args(args).output();
        let output = output.expect("the program is installed");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {args:?}: {error}");
        text
    }

    /// A program that will run in here. Its process is the program's own.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Namespace::new()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Interfaces and cables go with it; so does what a failed test left.
        let _ = ip_command(&["netns", "del", &self.name]).output();
    }
}

fn ip_command(args: &[&str]) -> Command {
    let mut ip = Command::new("ip");
    ip.args(args);
    ip
}

fn ip(args: &[&str]) {
    let output = ip_command(args).output();
    let output = output.expect("apt-get install iproute2");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {}: {error}", args.join(" "));
}

fn new_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{PREFIX}{}-{number}", std::process::id())
}

/// Deletes the namespaces of test processes that were killed.
fn forget_the_dead() {
    let Ok(output) = ip_command(&["netns", "list"]).output() else {
        return;
    };
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let process = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('-'));
        let dead = |id: &str| !std::path::Path::new("/proc").join(id).exists();
        if process.is_some_and(|(id, _)| dead(id)) {
            let _ = ip_command(&["netns", "del", name]).output();
        }
    }
}

const PREFIX: &str = "duologue-nat-";
