//! Links `bootstrap` at a fixed address: its 19,000 pointers into itself are then final in the file, and a start neither
//! computes nor copies them (docs/decisions/0020-a-fixed-address.md).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
