//! The size of what is uploaded.

use std::path::Path;
use std::process::Command;

use herald_tests::process::Result;

/// Packs the file as `sam deploy` would, and answers the size of the archive.
const PACK: &str = "import sys, tempfile, zipfile, os
with tempfile.NamedTemporaryFile(suffix='.zip') as out:
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(sys.argv[1], 'bootstrap')
    out.flush()
    print(os.path.getsize(out.name))";

/// Bytes of a binary, as it is and zipped.
pub struct Bundle {
    /// As it is.
    pub plain: u64,
    /// Zipped, without the console's files.
    pub zipped: u64,
    /// The console's files. They are compressed already, so packing them saves nothing.
    pub console: u64,
}

/// Measures `bootstrap`.
///
/// # Errors
/// When it is not there, or Python cannot pack it.
pub fn measure(bootstrap: &Path) -> Result<Bundle> {
    let output = Command::new("python3").args(["-c", PACK]).arg(bootstrap).output()?;
    let zipped: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().map_err(|_| {
        format!("python3 could not pack {}: {}", bootstrap.display(), String::from_utf8_lossy(&output.stderr))
    })?;
    let console = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../console/embed"))?;
    Ok(Bundle { plain: std::fs::metadata(bootstrap)?.len(), zipped: zipped.saturating_sub(console), console })
}

/// The bytes of the compressed files below a folder.
fn files(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let compressed =
            path.extension().is_some_and(|ending| ["br", "gz", "woff2"].iter().any(|known| ending == *known));
        sum += match path.is_dir() {
            true => files(&path)?,
            false if compressed => std::fs::metadata(&path)?.len(),
            false => 0,
        };
    }
    Ok(sum)
}
