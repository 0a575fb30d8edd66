//! Content ids: CIDv1 of DAG-CBOR records and of raw blobs.

use ring::digest::{SHA256, digest};
use serde_json::Value;

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const RECORD: u8 = 0x71;
const RAW: u8 = 0x55;

fn text(codec: u8, hash: &[u8]) -> String {
    let bytes = [&[1, codec, 0x12, 0x20], hash].concat();
    let mut out = String::from("b");
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in bytes {
        bits = bits << 8 | u32::from(byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            out.push(char::from(BASE32[(bits >> held & 31) as usize]));
        }
    }
    if held > 0 {
        out.push(char::from(BASE32[(bits << (5 - held) & 31) as usize]));
    }
    out
}

fn bytes(cid: &str) -> Option<Vec<u8>> {
    let (mut bits, mut held, mut out) = (0_u32, 0_u32, Vec::new());
    for b in cid.strip_prefix('b')?.bytes() {
        let digit = BASE32.iter().position(|c| *c == b)?;
        bits = bits << 5 | u32::try_from(digit).ok()?;
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff) as u8);
        }
    }
    (out.len() == 36).then_some(out)
}

/// Of a blob, from its SHA-256.
pub(super) fn of_blob(sha256: &[u8]) -> String {
    text(RAW, sha256)
}

/// Of a record; nothing for what has no DAG-CBOR form.
pub(super) fn of_record(record: &Value) -> Option<String> {
    let mut out = Vec::new();
    encode(record, &mut out)?;
    Some(text(RECORD, digest(&SHA256, &out).as_ref()))
}

fn head(major: u8, n: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    match n {
        0..=23 => out.push(major | n as u8),
        24..=0xff => out.extend_from_slice(&[major | 24, n as u8]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend_from_slice(&(n as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend_from_slice(&(n as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&n.to_be_bytes());
        }
    }
}

fn encode(value: &Value, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(b) => out.push(0xf4 | u8::from(*b)),
        Value::Number(n) => match (n.as_u64(), n.as_i64()) {
            (Some(n), _) => head(0, n, out),
            (None, Some(n)) => head(1, (-1 - n).unsigned_abs(), out),
            // The data model knows no fractions.
            (None, None) => return None,
        },
        Value::String(s) => {
            head(3, s.len() as u64, out);
            out.extend_from_slice(s.as_bytes());
        }
        Value::Array(items) => {
            head(4, items.len() as u64, out);
            for item in items {
                encode(item, out)?;
            }
        }
        Value::Object(members) => {
            if let (1, Some(Value::String(link))) = (members.len(), members.get("$link")) {
                let cid = bytes(link)?;
                out.extend_from_slice(&[0xd8, 0x2a]);
                head(2, cid.len() as u64 + 1, out);
                out.push(0);
                out.extend_from_slice(&cid);
                return Some(());
            }
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_by(|a, b| (a.0.len(), a.0.as_bytes()).cmp(&(b.0.len(), b.0.as_bytes())));
            head(5, sorted.len() as u64, out);
            for (name, value) in sorted {
                encode(&Value::String(name.clone()), out)?;
                encode(value, out)?;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_blob_has_its_well_known_id() {
        // "hello world" as a raw block, computed with another tool.
        let hash = digest(&SHA256, b"hello world");
        assert_eq!(of_blob(hash.as_ref()), "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e");
        assert_eq!(bytes(&of_blob(hash.as_ref())).unwrap()[4..], *hash.as_ref());
    }

    #[test]
    fn dag_cbor_is_canonical() {
        let mut out = Vec::new();
        encode(&json!({"bb": 1, "a": [null, true, -1, 1000], "c": "é"}), &mut out).unwrap();
        assert_eq!(
            out,
            [
                0xa3, 0x61, b'a', 0x84, 0xf6, 0xf5, 0x20, 0x19, 0x03, 0xe8, 0x61, b'c', 0x62, 0xc3, 0xa9, 0x62, b'b',
                b'b', 1
            ]
        );
        assert!(encode(&json!(1.5), &mut out).is_none());
        assert!(of_record(&json!({"text": "hi"})).unwrap().starts_with("bafyrei"));
    }
}
