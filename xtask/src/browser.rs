//! A headless Chromium that is told what to do over two pipes (the DevTools protocol: JSON messages, a zero byte after
//! each).

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Programs that are looked for, in this order.
const PROGRAMS: [&str; 5] =
    ["chromium", "chromium-browser", "chrome-headless-shell", "google-chrome", "google-chrome-stable"];

/// The variable that names another program.
const VARIABLE: &str = "CHROMIUM";

/// A running browser with one page. It ends when this is dropped.
pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Value,
    last: u64,
    /// Messages that came while an answer was waited for: errors, console messages, finished loads.
    events: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    /// Starts the browser and opens an empty page.
    pub(crate) fn start() -> Result<Self> {
        let program = find()?;
        let profile = tempfile::tempdir()?;
        // The browser talks on descriptors 3 and 4; the shell puts our pipes there.
        let mut child = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#])
            .arg(&program)
            .args([
                "--headless",
                "--remote-debugging-pipe",
                "--disable-gpu",
                "--no-first-run",
                "--hide-scrollbars",
            ])
            // The sandbox does not start for root or in containers; only pages of ours are opened.
            .args(["--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the shell that starts Chromium could not be started")?;
        let to = child.stdin.take().context("the browser has no input")?;
        let from = BufReader::new(child.stdout.take().context("the browser has no output")?);
        let mut browser =
            Self { child, to, from, session: Value::Null, last: 0, events: Vec::new(), _profile: profile };
        let target = browser
            .call("Target.createTarget", &json!({ "url": "about:blank" }))
            .with_context(|| format!("{} did not start", program.display()))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        browser.session = browser.call("Target.attachToTarget", &attach)?["sessionId"].clone();
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.call(domain, &json!({}))?;
        }
        Ok(browser)
    }

    /// Sends a command and waits for its result.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Result<Value> {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": parameters });
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        self.to.write_all(format!("{message}\0").as_bytes()).context("the browser has ended")?;
        self.to.flush()?;
        loop {
            let answer = self.receive()?;
            if answer["id"] != self.last {
                self.events.push(answer);
            } else if answer["error"].is_null() {
                return Ok(answer["result"].clone());
            } else {
                bail!("{method}: {}", answer["error"]["message"]);
            }
        }
    }

    fn receive(&mut self) -> Result<Value> {
        let mut bytes = Vec::new();
        self.from.read_until(0, &mut bytes)?;
        if bytes.pop() != Some(0) {
            bail!("the browser has ended");
        }
        serde_json::from_slice(&bytes).context("the browser sent something that is not JSON")
    }

    /// Opens a page and waits until it is loaded; the errors and console messages on the way.
    pub(crate) fn open(&mut self, url: &str) -> Result<Vec<String>> {
        self.events.clear();
        let opened = self.call("Page.navigate", &json!({ "url": url }))?;
        if let Some(error) = opened["errorText"].as_str() {
            bail!("{url}: {error}");
        }
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.receive()?;
            self.events.push(event);
        }
        Ok(self.events.iter().filter_map(complaint).collect())
    }

    /// The value of a JavaScript expression in the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", &parameters)?;
        match result["exceptionDetails"]["exception"]["description"].as_str() {
            Some(problem) => Err(anyhow!("the check itself failed in the page: {problem}")),
            None => Ok(result["result"]["value"].clone()),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Nothing is left to be done if it has ended already.
        let _ = self.call("Browser.close", &json!({}));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an event complains of: a console message, a page's error, something that could not be loaded.
fn complaint(event: &Value) -> Option<String> {
    let parameters = &event["params"];
    let text = match event["method"].as_str()? {
        "Runtime.consoleAPICalled" => parameters["args"].to_string(),
        "Runtime.exceptionThrown" => parameters["exceptionDetails"].to_string(),
        "Log.entryAdded" => parameters["entry"]["text"].to_string(),
        _ => return None,
    };
    Some(format!("console: {text}"))
}

/// The program that `CHROMIUM` names, else the first that is found.
fn find() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE).filter(|named| !named.is_empty()) {
        let named = PathBuf::from(named);
        anyhow::ensure!(named.is_file(), "{VARIABLE} names {}, which is not a file", named.display());
        return Ok(named);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = PROGRAMS.iter().find_map(|program| {
        std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file())
    });
    found.with_context(|| {
        format!(
            "Chromium is missing: none of {} is in the PATH. Install it (Debian: the package chromium), or name the \
             program in the variable {VARIABLE}",
            PROGRAMS.join(", ")
        )
    })
}
