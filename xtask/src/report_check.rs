//! `cargo xtask report-check DIR…`: opens a report in Chromium and looks for what a reader would stumble over.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::browser::Browser;

const HELP: &str = "\
cargo xtask report-check DIR… [--pictures OUT]

Opens DIR/index.html in a headless Chromium at 1280 and 390 pixels, light and dark, and as it prints on A4. It fails
on console messages, on text that is cut or runs out of the page, on links that lead nowhere, on text with too little
contrast, on raw backticks, and if light and dark look alike. With --pictures, it writes what it saw: a PNG of each
width and theme, and the printed PDF.

Needs Chromium: Debian's package chromium, or another one that the variable CHROMIUM names.";

/// Runs in the page; the problems as texts.
const PROBLEMS: &str = include_str!("report_check.js");

/// One way to look at the page.
struct View {
    name: &'static str,
    width: u32,
    dark: bool,
    print: bool,
}

/// A4 without its margins of 15 mm, at 96 pixels an inch.
const PRINTED: u32 = 680;

const VIEWS: [View; 5] = [
    View { name: "1280-light", width: 1280, dark: false, print: false },
    View { name: "1280-dark", width: 1280, dark: true, print: false },
    View { name: "390-light", width: 390, dark: false, print: false },
    View { name: "390-dark", width: 390, dark: true, print: false },
    View { name: "print", width: PRINTED, dark: false, print: true },
];

/// The command.
pub(crate) fn run_all(args: &[String]) -> Result<()> {
    let (mut directories, mut pictures) = (Vec::new(), None);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(());
            }
            "--pictures" => {
                pictures = Some(PathBuf::from(rest.next().context("--pictures needs a directory")?));
            }
            option if option.starts_with('-') => anyhow::bail!("there is no option `{option}`\n\n{HELP}"),
            directory => directories.push(PathBuf::from(directory)),
        }
    }
    anyhow::ensure!(!directories.is_empty(), "name the directory of a report\n\n{HELP}");
    let mut browser = Browser::start()?;
    let mut problems = 0;
    for directory in &directories {
        let pictures = pictures.as_ref().map(|out| out.join(directory.file_name().unwrap_or_default()));
        problems += check(&mut browser, directory, pictures.as_deref())?;
    }
    anyhow::ensure!(problems == 0, "{} found", counted(problems));
    Ok(())
}

/// Looks at one report in every way; the number of problems.
fn check(browser: &mut Browser, directory: &Path, pictures: Option<&Path>) -> Result<usize> {
    let page = directory.join("index.html");
    let page = page.canonicalize().with_context(|| format!("{} cannot be opened", page.display()))?;
    if let Some(pictures) = pictures {
        std::fs::create_dir_all(pictures)
            .with_context(|| format!("{} cannot be made", pictures.display()))?;
    }
    let url = format!("file://{}", percent_encoded(&page.to_string_lossy()));
    let mut found: Vec<String> = Vec::new();
    let mut backgrounds = Vec::new();
    for view in &VIEWS {
        let scheme = if view.dark { "dark" } else { "light" };
        let size = json!({ "width": view.width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        browser.call("Emulation.setDeviceMetricsOverride", &size)?;
        let media = json!({
            "media": if view.print { "print" } else { "screen" },
            "features": [{ "name": "prefers-color-scheme", "value": scheme }],
        });
        browser.call("Emulation.setEmulatedMedia", &media)?;
        let mut here = browser.open(&url)?;
        let seen = browser.evaluate(PROBLEMS)?;
        here.extend(texts(&seen["problems"]));
        for link in texts(&seen["files"]) {
            if !link_leads_somewhere(&link) {
                here.push(format!("link to {link}: there is no such file"));
            }
        }
        backgrounds.push((view, seen["background"].clone()));
        found.extend(here.into_iter().map(|problem| format!("{}: {problem}", view.name)));
        if let Some(pictures) = pictures {
            shoot(browser, view, pictures)?;
        }
    }
    if backgrounds[0].1 == backgrounds[1].1 {
        found.push("light and dark have the same background".to_owned());
    }
    for problem in &found {
        println!("{}: {problem}", directory.display());
    }
    println!("{}: {} in {} views", directory.display(), counted(found.len()), VIEWS.len());
    Ok(found.len())
}

fn counted(problems: usize) -> String {
    match problems {
        0 => "no problems".to_owned(),
        1 => "1 problem".to_owned(),
        _ => format!("{problems} problems"),
    }
}

/// A picture of the whole page; of the printed view its PDF too.
fn shoot(browser: &mut Browser, view: &View, pictures: &Path) -> Result<()> {
    let whole = browser.call("Page.getLayoutMetrics", &json!({}))?["cssContentSize"].clone();
    let clip = json!({ "x": 0, "y": 0, "width": view.width, "height": whole["height"], "scale": 1 });
    let options = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
    save(browser.call("Page.captureScreenshot", &options)?, &pictures.join(format!("{}.png", view.name)))?;
    if view.print {
        let options = json!({ "printBackground": true, "preferCSSPageSize": false, "paperWidth": 8.27, "paperHeight": 11.69 });
        save(browser.call("Page.printToPDF", &options)?, &pictures.join("print.pdf"))?;
    }
    Ok(())
}

fn save(answer: Value, path: &Path) -> Result<()> {
    let bytes = decoded(answer["data"].as_str().context("the browser sent no picture")?);
    std::fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// Whether a `file:` URL names a file.
fn link_leads_somewhere(url: &str) -> bool {
    let path = url.strip_prefix("file://").unwrap_or(url);
    Path::new(&percent_decoded(path)).is_file()
}

fn percent_encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.as_bytes().get(at) {
        let code = text
            .get(at + 1..at + 3)
            .filter(|_| byte == b'%')
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or(byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The bytes of a text in base 64, as browsers write it.
fn decoded(text: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut buffer, mut bits) = (0_u32, 0);
    for digit in text.bytes().filter_map(|byte| DIGITS.iter().position(|digit| *digit == byte)) {
        buffer = buffer << 6 | digit as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64_is_read() {
        for (text, bytes) in [("", &b""[..]), ("aGk=", b"hi"), ("aGkh", b"hi!"), ("/+8A", &[255, 239, 0])] {
            assert_eq!(decoded(text), bytes);
        }
    }

    #[test]
    fn paths_survive_as_addresses() {
        for path in ["/a b/ü%20?.csv", "/plain/x-1_2.csv", "/%"] {
            assert_eq!(percent_decoded(&percent_encoded(path)), path);
        }
        assert_eq!(percent_decoded("/ü%zz"), "/ü%zz");
    }
}
