//! Finds known secrets in bytes, in any of the forms in which they travel.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// How much of a pattern stands in the index.
const HEAD: usize = 8;

/// Patterns by their first bytes.
pub struct Search {
    heads: HashMap<[u8; HEAD], Vec<(Vec<u8>, String)>>,
    /// Which first two bytes there are at all, so that most places cost one look.
    pairs: Vec<bool>,
    secrets: usize,
}

impl Search {
    /// A search for secrets, each with a name that may be told.
    pub fn new(secrets: &BTreeMap<String, String>) -> Self {
        let mut search = Self { heads: HashMap::new(), pairs: vec![false; 1 << 16], secrets: secrets.len() };
        for (secret, name) in secrets {
            assert!(secret.len() >= 12, "{name} is too short to be searched for");
            for (form, bytes) in forms(secret.as_bytes()) {
                let Some(head) = bytes.first_chunk::<HEAD>().copied() else { continue };
                search.pairs[pair(&bytes)] = true;
                search.heads.entry(head).or_default().push((bytes, format!("{name} ({form})")));
            }
        }
        search
    }

    /// How many secrets are searched for.
    pub const fn secrets(&self) -> usize {
        self.secrets
    }

    /// The names of what is in `bytes`.
    pub fn find(&self, bytes: &[u8]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for at in 0..bytes.len().saturating_sub(HEAD - 1) {
            let rest = &bytes[at..];
            if !self.pairs[pair(rest)] {
                continue;
            }
            let Some(patterns) = rest.first_chunk::<HEAD>().and_then(|head| self.heads.get(head)) else { continue };
            found.extend(patterns.iter().filter(|(bytes, _)| rest.starts_with(bytes)).map(|(_, name)| name.clone()));
        }
        found
    }
}

fn pair(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// A secret as it is, and as it would look inside something that was encoded around it.
fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = vec![
        ("plain", secret.to_vec()),
        ("hex", secret.iter().flat_map(|b| format!("{b:02x}").into_bytes()).collect()),
    ];
    let escaped: Vec<u8> = secret
        .iter()
        .flat_map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(b) { vec![*b] } else { format!("%{b:02X}").into_bytes() }
        })
        .collect();
    forms.push(("percent", escaped));
    for offset in 0..3 {
        // Whatever stands before and after it changes only the edges.
        let mut text = vec![0; offset];
        text.extend_from_slice(secret);
        for (name, encoded) in [("base64", STANDARD_NO_PAD.encode(&text)), ("base64url", URL_SAFE_NO_PAD.encode(&text))]
        {
            let from = [0, 2, 3][offset];
            let to = text.len() / 3 * 4;
            forms.push((name, encoded.as_bytes()[from..to].to_vec()));
        }
    }
    forms.dedup_by(|a, b| a.1 == b.1);
    forms
}

/// The bytes of a base64 text.
pub fn decoded(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap_or_default()
}

#[test]
fn a_secret_is_found_in_every_form_and_at_every_place() {
    let secret = "act.aB3+dE/9~Hi*2!6315.va";
    let search = Search::new(&BTreeMap::from([(secret.to_owned(), "it".to_owned())]));
    for before in ["", "x", "xy", "xyz", "xyzz"] {
        let text = format!("{before}{secret}tail");
        assert_eq!(search.find(text.as_bytes()).len(), 1, "{text}");
        for encoded in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
            let found = search.find(format!("{{\"B\":\"{encoded}\"}}").as_bytes());
            assert!(found.iter().any(|name| name.starts_with("it (base64")), "{before}: {found:?}");
        }
    }
    let percent = "token=act.aB3%2BdE%2F9~Hi%2A2%216315.va&x=1";
    assert_eq!(search.find(percent.as_bytes()), BTreeSet::from(["it (percent)".to_owned()]));
    assert!(search.find(&secret.as_bytes()[1..]).is_empty());
    assert_eq!(decoded("aGk="), b"hi");
}
