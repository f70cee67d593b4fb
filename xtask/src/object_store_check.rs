//! `cargo xtask object-store-check`: sweeps in an object store, with cut connections, killed workers and races.
//!
//! The server is moto, an imitation of S3 in Python. Between it and the workers stands a proxy that cuts connections. Each
//! sweep is compared with the same one in a local directory.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use self::proxy::Proxy;
use crate::{cargo, metadata, run};

mod proxy;

/// What `cargo xtask object-store-check --help` says.
const HELP: &str = "\
cargo xtask object-store-check [--python PATH]

Builds taskset-rs with the feature `remote`, starts an imitation of S3 (the Python package moto, from the
package index) and runs sweeps in it: several workers at once, connections that are cut before the server,
before the answer and within it, a race for one shard, claims that end at once, a killed worker, more objects
than a page, Google's protocol. Fails if a trial is lost, stored twice, or another than in a local directory.

  --python PATH   an interpreter that has moto[server,s3] already; else a virtual environment is made
";

const PACKAGES: &str = "moto[server,s3]==5.2.5";
const SERVER: &str = include_str!("object_store_check/server.py");
/// What most sweeps train: 153 trials in 21 shards.
const PLAN: &str = r#"
[[trials]]
tasks = ["TwoD_Bowl1", "TwoD_Ackley", "TwoD_Beale", "TwoD_Rosenbrock"]
optimizers = ["adam_lr_*"]
replicas = 2
steps = 500
eval_every = 50
eval_batches = 2

[[trials]]
tasks = ["FixedMLP_cifar10_ce_128x128x128_relu_bs128"]
optimizers = ["adam_lr_*"]
steps = 40
eval_every = 10
eval_batches = 1
"#;
/// One trial, so one shard, which takes a while.
const ONE_TRIAL: &str = r#"
[[trials]]
tasks = ["FixedMLP_cifar10_ce_128x128x128_relu_bs128"]
optimizers = ["adam_lr_-3.00"]
steps = 400
eval_every = 100
eval_batches = 1
"#;
/// More objects than one answer lists.
const MANY: u64 = 1100;
/// No worker may take longer.
const LIMIT: Duration = Duration::from_secs(600);

/// The command.
pub(crate) fn run_all(args: &[String]) -> Result<()> {
    let python = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => None,
        ["--python", path] => Some(PathBuf::from(path)),
        ["--help" | "-h"] => {
            print!("{HELP}");
            return Ok(());
        }
        _ => anyhow::bail!("unknown arguments\n\n{HELP}"),
    };
    run(cargo().args(["build", "--package", "taskset", "--features", "cli,remote"]))?;
    let target = metadata(&["--no-deps"])?["target_directory"].as_str().map(PathBuf::from);
    let target = target.context("cargo metadata names no target directory")?;
    let program = target.join("debug").join(format!("taskset-rs{}", std::env::consts::EXE_SUFFIX));
    let folder = tempfile::tempdir().context("no temporary directory could be made")?;
    let python = python.map_or_else(|| environment(folder.path()), Ok)?;
    let server = Server::start(&python)?;
    let proxy = Proxy::start(server.address).context("the proxy cannot be started")?;
    request(server.address, "PUT", "/bucket", b"")?;
    let check = Check { program, folder: folder.path().to_owned(), proxy, server: server.address };
    check.all()
}

/// A virtual environment with the server.
fn environment(folder: &Path) -> Result<PathBuf> {
    let directory = folder.join("python");
    let own = directory.join(if cfg!(windows) { "Scripts" } else { "bin" }).join("python");
    let mut made = Command::new("python3");
    succeeds(made.args(["-m", "venv"]).arg(&directory))?;
    let mut pip = Command::new(&own);
    succeeds(pip.args(["-m", "pip", "install", "--quiet", "--no-input", PACKAGES]))?;
    Ok(own)
}

/// The server, which ends with this value.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(python: &Path) -> Result<Self> {
        let mut command = Command::new(python);
        command.args(["-c", SERVER]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process =
            command.spawn().with_context(|| format!("{} cannot be started", python.display()))?;
        let output = process.stdout.take().context("the server has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let port = line.trim().parse().context("the server did not start: is moto[server,s3] installed?")?;
        Ok(Self { process, address: (Ipv4Addr::LOCALHOST, port).into() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One request without a signature, which moto does not ask for: the status.
fn request(server: SocketAddr, method: &str, target: &str, body: &[u8]) -> Result<()> {
    let mut stream = TcpStream::connect(server)?;
    write!(stream, "{method} {target} HTTP/1.0\r\nHost: {server}\r\nContent-Length: {}\r\n\r\n", body.len())?;
    stream.write_all(body)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.split(' ').nth(1) == Some("200"), "{method} {target}: {answer}");
    Ok(())
}

struct Check {
    program: PathBuf,
    folder: PathBuf,
    proxy: Proxy,
    server: SocketAddr,
}

impl Check {
    fn all(&self) -> Result<()> {
        for (name, plan) in [("sweep", PLAN), ("one", ONE_TRIAL)] {
            std::fs::write(self.folder.join(format!("{name}.toml")), plan)?;
            let place = self.folder.join(name).display().to_string();
            self.plan(name, &place)?;
            let trained = self.json(self.worker(&place))?;
            self.compact(&place, &self.folder.join(format!("{name}-reference")))?;
            println!("{name} in a local directory: {} trials", number(&trained, "trained")?);
        }
        for (scheme, workers, cuts) in
            [("s3", 1, 0), ("s3", 2, 0), ("s3", 2, 150), ("s3", 4, 150), ("s3", 4, 400), ("gs", 2, 150)]
        {
            let name = format!("{workers} workers at {scheme}, {cuts} of 1000 connections cut");
            self.together(&name, "sweep", scheme, &vec![&[][..]; workers], cuts)?;
        }
        self.together("8 workers, one shard", "one", "s3", &[&[][..]; 8], 0)?;
        self.together("8 workers, one shard, with cuts", "one", "s3", &[&[][..]; 8], 300)?;
        // All of them train the shard, and one file is kept.
        let no_claims = &["--lease", "0.00001"][..];
        self.together("6 workers, one shard, claims that end at once", "one", "s3", &[no_claims; 6], 300)?;
        let part = |part: &'static str| ["--no-wait", "--shard", part];
        let parts = [part("0/3"), part("1/3"), part("2/3")];
        self.together(
            "3 parts without waiting",
            "sweep",
            "s3",
            &parts.each_ref().map(|part| &part[..]),
            150,
        )?;
        self.killed()?;
        self.pages()?;
        self.unreachable()?;
        println!("all as in the local directory; no trial was lost or stored twice");
        Ok(())
    }

    /// Workers with these options run a sweep at once, and what they store is compared with the local directory.
    fn together(&self, name: &str, plan: &str, scheme: &str, options: &[&[&str]], cuts: u64) -> Result<()> {
        let place = format!("{scheme}://bucket/{}", name.replace([' ', ','], "-"));
        self.proxy.cut(0);
        self.plan(plan, &place)?;
        self.proxy.cut(cuts);
        let started = Instant::now();
        let workers: Vec<Child> = options
            .iter()
            .map(|options| self.start(self.worker(&place).args(*options)))
            .collect::<Result<_>>()?;
        let outcomes: Vec<Value> = workers.into_iter().map(finished).collect::<Result<_>>()?;
        let took = started.elapsed();
        let seen = self.proxy.seen();
        self.proxy.cut(0);
        let total = |what: &str| outcomes.iter().map(|outcome| number(outcome, what)).sum::<Result<u64>>();
        let trained = total("trained")?;
        self.compare(plan, &place)?;
        let seen: Vec<String> = seen.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        println!(
            "{name}: {trained} trials trained, {} by others, in {:.1} s; {}",
            total("elsewhere")?,
            took.as_secs_f64(),
            seen.join(", ")
        );
        let stored = number(&self.status(&place)?["trials"], "done")?;
        // Every stored trial was counted by the one worker whose file was kept.
        ensure!(trained == stored, "{name}: {trained} trials were counted, and {stored} are stored");
        Ok(())
    }

    /// A worker dies within a shard. The next one takes it over when the claim has ended, and not before.
    fn killed(&self) -> Result<()> {
        const LEASE: Duration = Duration::from_secs(12);
        let (place, lease) = ("s3://bucket/killed", "0.2");
        self.proxy.cut(0);
        self.plan("one", place)?;
        let mut first = self.start(self.worker(place).args(["--lease", lease]))?;
        self.until_works(place, first.id())?;
        let started = Instant::now();
        // `kill` is SIGKILL: the worker cannot give up its claim.
        first.kill()?;
        first.wait()?;
        let status = self.status(place)?;
        ensure!(number(&status["trials"], "done")? == 0, "the first worker was too fast to be killed");
        let second = self.start(self.worker(place).args(["--lease", lease]))?;
        self.until_works(place, second.id())?;
        let taken = started.elapsed();
        let outcome = finished(second)?;
        ensure!(number(&outcome, "trained")? == 1, "the second worker did not train the shard: {outcome}");
        // The claim is a little older than the first sight of it.
        ensure!(taken + Duration::from_secs(6) > LEASE, "the claim was taken too early, after {taken:?}");
        self.compare("one", place)?;
        let (taken, stored) = (taken.as_secs_f64(), started.elapsed().as_secs_f64());
        println!(
            "a killed worker: its shard was taken over after {taken:.1} s, and stored after {stored:.1} s"
        );
        Ok(())
    }

    /// Waits until a process has a shard.
    fn until_works(&self, place: &str, process: u32) -> Result<()> {
        let started = Instant::now();
        while self.status(place)?["workers"][0]["process"].as_u64() != Some(process.into()) {
            ensure!(started.elapsed() < LIMIT, "process {process} takes no shard");
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn pages(&self) -> Result<()> {
        let place = "s3://bucket/pages";
        self.proxy.cut(100);
        self.plan("sweep", place)?;
        for number in 0..MANY {
            request(self.server, "PUT", &format!("/bucket/pages/shards/other{number}.parquet"), b"x")?;
        }
        let found = number(&self.status(place)?, "other_files")?;
        ensure!(found == MANY, "{found} of {MANY} objects were listed");
        println!("{found} objects are listed, which are more than a page");
        Ok(())
    }

    /// What cannot work says why, in time.
    fn unreachable(&self) -> Result<()> {
        self.proxy.cut(0);
        let nobody = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let endpoint = format!("http://{nobody}");
        let place = "s3://bucket/nowhere";
        let mut no_server = self.program();
        no_server.env("AWS_ENDPOINT_URL", &endpoint).args(["sweep", "status", place]);
        self.fails(&mut no_server, &[place, &endpoint, "onnection refused"])?;
        let mut no_bucket = self.program();
        no_bucket.args(["sweep", "plan", "--data", "synthetic", "--out", "s3://nobody/sweep"]);
        self.fails(no_bucket.arg(self.folder.join("sweep.toml")), &["s3://nobody/sweep", "NoSuchBucket"])?;
        let mut no_plan = self.program();
        self.fails(no_plan.args(["sweep", "run", place]), &[place, "no plan.toml"])?;
        let mut curves = self.program();
        self.fails(curves.args(["curves", "info", place]), &[place, "sweep compact"])
    }

    fn fails(&self, command: &mut Command, words: &[&str]) -> Result<()> {
        let started = Instant::now();
        let Output { status, stderr, .. } = command.output()?;
        let said = String::from_utf8_lossy(&stderr);
        println!("after {:.1} s: {}", started.elapsed().as_secs_f64(), said.trim());
        ensure!(!status.success(), "it should have failed");
        words.iter().try_for_each(|word| {
            ensure!(said.contains(word), "the message does not say `{word}`");
            Ok(())
        })
    }

    /// The program, which asks for the store through the proxy.
    fn program(&self) -> Command {
        let mut command = Command::new(&self.program);
        let endpoint = format!("http://127.0.0.1:{}", self.proxy.port);
        for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(name);
        }
        command
            .env("AWS_ENDPOINT_URL", &endpoint)
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "nobody").env("AWS_SECRET_ACCESS_KEY", "nothing");
        command.env("GOOGLE_BASE_URL", &endpoint).env("GOOGLE_BEARER_TOKEN", "nothing");
        command.env("GOOGLE_ALLOW_HTTP", "true");
        command.stdin(Stdio::null());
        command
    }

    fn worker(&self, place: &str) -> Command {
        let mut command = self.program();
        command.args(["sweep", "run", place, "--jobs", "2", "--json", "--data", "synthetic"]);
        command
    }

    fn plan(&self, plan: &str, place: &str) -> Result<Value> {
        let mut command = self.program();
        let file = self.folder.join(format!("{plan}.toml"));
        self.json(command.args(["sweep", "plan", "--json", "--data", "synthetic", "--out", place]).arg(file))
    }

    fn status(&self, place: &str) -> Result<Value> {
        self.json(self.program().args(["sweep", "status", "--json", place]))
    }

    fn compact(&self, place: &str, to: &Path) -> Result<Value> {
        self.json(self.program().args(["sweep", "compact", "--json", place, "--out"]).arg(to))
    }

    /// The sweep is complete and no worker has anything, and its curves are those of the local directory.
    fn compare(&self, plan: &str, place: &str) -> Result<()> {
        let status = self.status(place)?;
        let trials = &status["trials"];
        ensure!(number(trials, "done")? == number(trials, "total")?, "{place} is not complete: {status}");
        ensure!(number(&status, "checkpoints")? == 0, "checkpoints are left: {status}");
        let to = tempfile::tempdir_in(&self.folder)?;
        self.compact(place, to.path())?;
        let reference = self.folder.join(format!("{plan}-reference"));
        succeeds(self.program().args(["curves", "diff"]).arg(&reference).arg(to.path()))
    }

    fn start(&self, command: &mut Command) -> Result<Child> {
        Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
    }

    fn json(&self, command: impl std::borrow::BorrowMut<Command>) -> Result<Value> {
        let mut command = command;
        finished(self.start(command.borrow_mut())?)
    }
}

/// What a program printed, when it has ended well.
fn finished(child: Child) -> Result<Value> {
    let Output { status, stdout, stderr } = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&stderr);
    ensure!(status.success(), "a command failed ({status}): {}", said.trim());
    serde_json::from_slice(&stdout).context("its output is not JSON")
}

fn succeeds(command: &mut Command) -> Result<()> {
    let Output { status, stdout, stderr } = command.output()?;
    let said = [stdout, stderr].concat();
    ensure!(status.success(), "{command:?} failed ({status}): {}", String::from_utf8_lossy(&said).trim());
    Ok(())
}

fn number(value: &Value, name: &str) -> Result<u64> {
    value[name].as_u64().with_context(|| format!("there is no number `{name}` in {value}"))
}
