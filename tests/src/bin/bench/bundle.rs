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
    /// Zipped.
    pub zipped: u64,
}

/// Measures `bootstrap`.
///
/// # Errors
/// When it is not there, or Python cannot pack it.
pub fn measure(bootstrap: &Path) -> Result<Bundle> {
    let output = Command::new("python3").args(["-c", PACK]).arg(bootstrap).output()?;
    let zipped = String::from_utf8_lossy(&output.stdout).trim().parse().map_err(|_| {
        format!("python3 could not pack {}: {}", bootstrap.display(), String::from_utf8_lossy(&output.stderr))
    })?;
    Ok(Bundle { plain: std::fs::metadata(bootstrap)?.len(), zipped })
}
