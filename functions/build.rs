//! Links `bootstrap` at a fixed address: its 19,000 pointers into itself are then final in the file, and a start neither
//! computes nor copies them (docs/decisions/0020-a-fixed-address.md). And makes a table of the console's files, which
//! `make console` leaves in `console/embed` (docs/decisions/0033-the-console-is-in-the-bundle.md).

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
    let var = |name: &str| env::var(name).map(PathBuf::from).map_err(io::Error::other);
    let folder = var("CARGO_MANIFEST_DIR")?.join("../console/embed");
    println!("cargo::rerun-if-changed={}", folder.display());
    let table = folder.join("files.tsv");
    let text = if table.exists() { fs::read_to_string(&table)? } else { String::new() };
    if text.is_empty() {
        println!("cargo::warning=the console is not built: `make run` and `make console` build it, the API needs none");
    }
    fs::write(var("OUT_DIR")?.join("console_files.rs"), files(&folder, &text)?)
}

/// `path`, content type, hash, `immutable` or `fresh`; a line for each file.
fn files(folder: &Path, table: &str) -> io::Result<String> {
    let mut code = "/// Every file, by path.\nstatic FILES: &[File] = &[\n".to_owned();
    for line in table.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [path, content_type, etag, kept] = fields.as_slice() else {
            return Err(io::Error::other(format!("console/embed/files.tsv: {line}")));
        };
        let form = |ending: &str| {
            let file = folder.join(format!("{path}{ending}"));
            if file.exists() { format!("include_bytes!({:?})", file.display().to_string()) } else { "&[]".to_owned() }
        };
        let immutable = *kept == "immutable";
        let _ = writeln!(
            code,
            "File {{ path: {path:?}, content_type: {content_type:?}, etag: {etag:?}, immutable: {immutable}, \
             plain: {}, brotli: {}, gzip: {} }},",
            form(""),
            form(".br"),
            form(".gz")
        );
    }
    Ok(code + "];\n")
}
